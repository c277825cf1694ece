//! What watches, as it passes the gate: who asks the same with the same rights as another is told the same, and what is told
//! is written once for all of them. Each by itself sees to it that it may still watch.

use std::sync::Arc;

use async_graphql::{ObjectType, Request, SubscriptionType};
use async_stream::stream;
use futures_util::{
    Stream, StreamExt,
    stream::{BoxStream, empty},
};

use super::{Gate, Trace};
use crate::{
    app::App,
    domain::{Permit, Requester},
    graphql::{
        Origin,
        context::of_request,
        log::{Line, OpenLine},
        metered::OpenStream,
        shared::{Execution, Joined, News, Question},
        subscription::is_shared,
        told::Told,
    },
};

/// One who watches what others may watch, too.
struct Follower<Q, M, S> {
    gate: Gate<Q, M, S>,
    app: App,
    requester: Requester,
    origin: Origin,
    permit: Permit,
    joined: Joined,
    line: OpenLine,
    open: OpenStream,
}

impl<Q, M, S> Gate<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    /// What a subscription tells.
    pub fn watch(&self, request: impl Into<Request>) -> BoxStream<'static, Told> {
        let request = request.into();
        if let Some(follower) = self.follower(&request) {
            return follower.told().boxed();
        }
        let responses = self.execute_stream(request);
        responses.map(|response| Told::of(&response)).boxed()
    }

    /// Who follows what `request` asks, if that can be shared.
    fn follower(&self, request: &Request) -> Option<Follower<Q, M, S>> {
        let app = of_request::<App>(request).or(self.0.app.as_ref())?;
        let requester = of_request::<Requester>(request)?;
        let question = Question::of(request, requester.rights()?)?;
        let joined = self.join(app, question)?;
        Some(Follower {
            gate: self.clone(),
            permit: app.permits.of(app, requester)?,
            app: app.clone(),
            requester: requester.clone(),
            origin: of_request(request).cloned().unwrap_or_default(),
            joined,
            line: OpenLine::new(Line::of(request)),
            open: self.0.meter.opened(),
        })
    }

    fn join(&self, app: &App, question: Question) -> Option<Joined> {
        self.0.shares.join(question, |question, joint| {
            let mut request = question.request();
            let prepared = Arc::new(self.0.documents.prepare(&mut request).ok()?);
            let mut fields = prepared.root_fields();
            let is_shared = prepared.is_subscription() && fields.all(|(_, name)| is_shared(name));
            drop(fields);
            let request = request
                .data(app.clone())
                .data(question.rights().requester())
                .data(joint);
            is_shared.then(|| Execution {
                responses: self.events(request, &prepared, Trace::new()),
                prepared,
            })
        })
    }
}

impl<Q, M, S> Follower<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    fn told(mut self) -> impl Stream<Item = Told> + Send {
        stream! {
            let mut alone = loop {
                let Some(rights) = self.permit.rights().await else {
                    // It is told so as one who watches alone is.
                    break self.alone();
                };
                if rights != self.joined.question().rights() {
                    let question = self.joined.question().by(rights);
                    if !self.join(question) {
                        break self.alone();
                    }
                }
                let news = tokio::select! {
                    biased;
                    () = self.permit.changed() => continue,
                    news = self.joined.next() => news,
                };
                match news {
                    News::Told(told) => {
                        if self.permit.rights().await != Some(rights) {
                            continue;
                        }
                        self.note(&told);
                        yield told;
                    }
                    News::Missed => {
                        let question = self.joined.question().clone();
                        if !self.join(question) {
                            break self.alone();
                        }
                    }
                    News::Over => break empty().boxed(),
                }
            };
            while let Some(told) = alone.next().await {
                self.note(&told);
                yield told;
            }
        }
    }

    fn join(&mut self, question: Question) -> bool {
        let joined = self.gate.join(&self.app, question);
        joined.map(|joined| self.joined = joined).is_some()
    }

    /// What is told to it where it watches alone.
    fn alone(&self) -> BoxStream<'static, Told> {
        let mut request = self.joined.question().request();
        let trace = Trace::by(&self.origin);
        let Ok(prepared) = self.gate.0.documents.prepare(&mut request) else {
            // It was carried out before.
            return empty().boxed();
        };
        let request = request
            .data(self.app.clone())
            .data(self.requester.clone())
            .data(self.origin.clone());
        let events = self.gate.events(request, &Arc::new(prepared), trace);
        events.map(|response| Told::of(&response)).boxed()
    }

    fn note(&mut self, told: &Told) {
        let (meter, prepared) = (&self.gate.0.meter, self.joined.prepared());
        meter.told(&mut self.open, prepared, told);
        self.line.note(told.codes());
    }
}
