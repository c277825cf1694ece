//! What has to be there before a customer has volumes, made through the API as an administrator makes it.

use std::str::FromStr;

use anyhow::{Context as _, Result, anyhow, bail};
use entity::{
    AccountId, BackupStorageId, HypervisorGroupId, HypervisorId, StoragePoolId, VolumePlanId,
};
use serde_json::{Value, json};

use crate::{contestant::Contestant, gateway::Gateway};

const ADMIN: &str = "admin@operations.example";
const CUSTOMER: &str = "ana@harbour.example";
const PASSWORD: &str = "correct horse battery staple";
const GIB: u64 = 1 << 30;
/// How large the volumes of the plans are, in GiB.
const PLANS: [u64; 4] = [10, 25, 50, 100];

/// The ids of what was made.
pub struct Platform {
    pub account: AccountId,
    pub storage: BackupStorageId,
    pub group: HypervisorGroupId,
    pub hypervisor: HypervisorId,
    pub pool: StoragePoolId,
    /// The plans, and how large their volumes are.
    pub plans: Vec<(VolumePlanId, i64)>,
    /// By what the customer is known.
    pub token: String,
}

/// The people, who have to be there before the gateway starts.
pub async fn create_people(gateway: &Gateway<'_>) -> Result<()> {
    gateway.create_user(ADMIN, PASSWORD, true).await?;
    gateway.create_user(CUSTOMER, PASSWORD, false).await
}

/// Makes the platform.
pub async fn set_up(gateway: &Contestant) -> Result<Platform> {
    let api = Api {
        http: reqwest::Client::new(),
        url: format!("http://{}/graphql", gateway.address),
    };
    let (admin, token) = (api.sign_in(ADMIN).await?, api.sign_in(CUSTOMER).await?);
    let viewer = api.data("{ viewer { account { id } } }", json!({}), Some(&token));
    let account = id(&viewer.await?["viewer"]["account"]["id"])?;

    let create = async |noun: &str, fields: &str, input: Value| {
        let document = format!(
            "mutation($input: Create{noun}Input!) {{ create{noun}(input: $input) {{ {fields} {{ id }} }} }}"
        );
        let made = api.data(&document, json!({ "input": input }), Some(&admin));
        anyhow::Ok(made.await?[format!("create{noun}")][fields]["id"].take())
    };
    let input = json!({ "name": "here", "local": { "path": "/srv/backups" } });
    let storage = create("BackupStorage", "backupStorage", input).await?;
    let input = json!({ "name": "one", "backupStorageId": storage });
    let group = create("HypervisorGroup", "hypervisorGroup", input).await?;
    let input = json!({ "name": "host", "hypervisorGroupId": group });
    let hypervisor = create("Hypervisor", "hypervisor", input).await?;
    let input = json!({ "name": "files", "hypervisorGroupId": group, "qcow2File": { "path": "/srv/pool" } });
    let pool = create("StoragePool", "storagePool", input).await?;
    let mut plans = Vec::new();
    for gib in PLANS {
        let input = json!({
            "name": format!("{gib} GiB"), "sizeBytes": gib * GIB, "storageType": "QCOW2_FILE",
        });
        let plan = create("VolumePlan", "plan", input).await?;
        plans.push((id(&plan)?, i64::try_from(gib * GIB)?));
    }
    Ok(Platform {
        account,
        storage: id(&storage)?,
        group: id(&group)?,
        hypervisor: id(&hypervisor)?,
        pool: id(&pool)?,
        plans,
        token,
    })
}

fn id<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(value: &Value) -> Result<T> {
    let text = value
        .as_str()
        .with_context(|| format!("{value} is no id"))?;
    Ok(text.parse()?)
}

/// The API, by whoever shows a token.
struct Api {
    http: reqwest::Client,
    url: String,
}

impl Api {
    async fn sign_in(&self, email: &str) -> Result<String> {
        let document = "mutation($input: SignInInput!) { signIn(input: $input) { token } }";
        let input = json!({ "input": { "email": email, "password": PASSWORD } });
        let signed_in = self.data(document, input, None).await?;
        let token = signed_in["signIn"]["token"].as_str();
        Ok(token.context("there is no token")?.to_owned())
    }

    /// The data of an answer that has no errors.
    async fn data(&self, document: &str, variables: Value, token: Option<&str>) -> Result<Value> {
        let mut request = self
            .http
            .post(&self.url)
            .json(&json!({ "query": document, "variables": variables }));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let mut answer: Value = request.send().await?.json().await?;
        if answer.get("errors").is_some() {
            bail!("{document}: {answer:#}");
        }
        let data = answer.get_mut("data");
        Ok(data.ok_or_else(|| anyhow!("{document}: no data"))?.take())
    }
}
