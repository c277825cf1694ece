//! `/usage.csv`: a usage report as a file, for those who may ask `usageReport` for it. It is written while it is read.

use std::io;

use axum::{
    body::{Body, Bytes},
    extract::{self, Query, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use serde::Deserialize;

use super::{
    Gateway, auth::Caller, compress::Compressible, failure::Failure, format::Format,
    request_id::RequestId,
};
use crate::{
    domain::{
        self, Error, ErrorCode,
        billing::{
            export::{Names, header as columns, row},
            report::{Batches, Report},
        },
    },
    graphql::operation::Carrier,
};

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    account_id: Option<String>,
}

/// Serves a report.
pub(super) async fn read<E: Carrier>(
    State(gateway): State<Gateway<E>>,
    request: extract::Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match export(gateway, &parts).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(Format::Json),
    }
}

async fn export<E: Carrier>(gateway: Gateway<E>, parts: &Parts) -> Result<Response, Failure> {
    let caller = Caller::of(&gateway, parts).await?;
    let id = RequestId::of(parts);
    let asked = Query::<Asked>::try_from_uri(&parts.uri).map_err(|_| {
        Failure::bad_request("`from` and `to` are instants in RFC 3339, and `accountId` is an id.")
    })?;
    let turn = gateway.turn(&caller).await?;
    let app = gateway.app_of(caller.share()).clone();
    let begun = async {
        caller.requester.scope()?;
        let account = asked.account_id.as_deref();
        let account = account.map(str::parse).transpose();
        let account = account.map_err(|_| Error::NotFound("account"))?;
        let period = (asked.from, asked.to);
        let report = Report::of(&app, &caller.requester, period, account).await?;
        let batches = report.batches(&app).await?;
        Ok::<_, Error>((report.is_closed(), batches))
    };
    let (is_closed, batches) = begun.await.map_err(|error| refusal(&error, &id))?;
    drop(turn);
    let jar = caller.jar.clone();
    let lines = stream::unfold(Some(batches), move |batches| {
        let (gateway, caller) = (gateway.clone(), caller.clone());
        async move {
            let mut batches = batches?;
            match part(&gateway, &caller, &mut batches).await {
                Ok(None) => None,
                Ok(Some(text)) => Some((Ok(Bytes::from(text)), Some(batches))),
                Err(error) => {
                    tracing::error!(%error, "an export breaks off");
                    Some((Err(io::Error::other("the export breaks off")), None))
                }
            }
        }
    });
    let first = stream::iter([Ok(Bytes::from(columns()))]);
    let mut response = Response::new(Body::from_stream(first.chain(lines.fuse())));
    let headers = response.headers_mut();
    let cached = if is_closed {
        "private, max-age=3600"
    } else {
        "no-store"
    };
    for (name, value) in [
        (
            header::CONTENT_TYPE,
            "text/csv; charset=utf-8; header=present",
        ),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"usage.csv\"",
        ),
        (header::CACHE_CONTROL, cached),
        (header::VARY, "Authorization, Cookie"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response.extensions_mut().insert(Compressible);
    jar.put_into(&mut response);
    Ok(response)
}

/// The next lines, once it is this caller's turn.
async fn part<E: Carrier>(
    gateway: &Gateway<E>,
    caller: &Caller,
    batches: &mut Batches,
) -> domain::Result<Option<String>> {
    let turn = gateway.turn(caller).await;
    let _turn = turn.map_err(|failure| Error::Broken(failure.message().to_owned()))?;
    let Some(lines) = batches.next().await? else {
        return Ok(None);
    };
    let names = Names::of(gateway.app_of(caller.share()).database.reads(), &lines).await?;
    let rows: domain::Result<Vec<String>> = lines
        .iter()
        .map(|line| row(line, &names, &gateway.terms))
        .collect();
    Ok(Some(rows?.concat()))
}

/// How it is said over HTTP that there is no report.
fn refusal(error: &Error, id: &RequestId) -> Failure {
    let status = match error.code() {
        ErrorCode::Unauthenticated => return Failure::unauthenticated(),
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::InvalidInput => StatusCode::BAD_REQUEST,
        _ => {
            tracing::error!(%error, "a report cannot be exported");
            return Failure::internal(id);
        }
    };
    Failure::new(status, error.code(), error.to_string())
}
