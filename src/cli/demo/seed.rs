//! What the demo begins with, made as an administrator and two customers would make it.

use std::{fmt, time::Duration};

use anyhow::{Context, anyhow};
use entity::{
    AccountId, Credit, HypervisorGroupId, VolumeId, VolumePlanId,
    user::Role,
    volume::{self, VolumeState},
    volume_plan::StorageType,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tidemark::{
    app::App,
    domain::{
        HangUp, Requester, backup_storage, hypervisor, instance,
        operation::submit::{self, Request},
        plan, session, storage_pool, user,
        volume::attach,
    },
    events::Topic,
};
use tokio::time::timeout;

use super::{Layout, filesystem};

const GIB: i64 = 1 << 30;
/// How long the agent has to make a volume.
const PATIENCE: Duration = Duration::from_mins(2);
const ADMIN: &str = "admin@example.com";
const CUSTOMERS: [(&str, &str); 2] = [
    ("Harbour Books", "ana@harbour.example"),
    ("Lighthouse Labs", "ben@lighthouse.example"),
];
const VOLUMES: [&str; 2] = ["web", "database"];

/// Somebody who can sign in.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    pub(super) role: String,
    pub(super) email: String,
    pub(super) password: String,
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.role, self.email, self.password)
    }
}

impl SignIn {
    pub(super) fn parse(line: &str) -> anyhow::Result<Self> {
        let mut parts = line.split_whitespace().map(str::to_owned);
        let mut next = || {
            parts
                .next()
                .with_context(|| format!("\"{line}\" is no sign-in"))
        };
        Ok(Self {
            role: next()?,
            email: next()?,
            password: next()?,
        })
    }

    fn new(app: &App, role: &str, email: &str) -> Self {
        let password = app.ids.secret().chars().take(16).collect();
        Self {
            role: role.to_owned(),
            email: email.to_owned(),
            password,
        }
    }

    async fn requester(&self, app: &App) -> anyhow::Result<Requester> {
        let caller = session::Caller {
            address: "",
            device: None,
            hang_up: &HangUp::default(),
        };
        let password = self.password.clone();
        let signed_in = session::sign_in(app, &self.email, password, caller, None);
        Ok(signed_in.await?.requester)
    }
}

/// Makes the platform and the people on it.
pub(super) async fn platform(app: &App, layout: &Layout) -> anyhow::Result<Vec<SignIn>> {
    let admin = SignIn::new(app, "administrator", ADMIN);
    let password = admin.password.clone();
    user::create_in_account_named(app, "Operations", ADMIN, password, Role::Admin).await?;
    let requester = admin.requester(app).await?;
    let group = place(app, layout, &requester).await?;
    plans(app, &requester).await?;
    let mut sign_ins = vec![admin];
    for (account, email) in CUSTOMERS {
        let customer = SignIn::new(app, "customer", email);
        let password = customer.password.clone();
        let made = user::create_in_account_named(app, account, email, password, Role::User).await?;
        instance_of(app, &requester, made.account_id, group).await?;
        sign_ins.push(customer);
    }
    Ok(sign_ins)
}

/// A group with one hypervisor, a pool and a backup storage.
async fn place(app: &App, layout: &Layout, admin: &Requester) -> anyhow::Result<HypervisorGroupId> {
    let path = layout.backups().display().to_string();
    let local = backup_storage::Location::Local { path };
    let storage = backup_storage::create(app, admin, "Local backups", local, None).await?;
    let group = hypervisor::create_group(app, admin, "One machine", Some(storage.id)).await?;
    let path = layout.pool().display().to_string();
    let pool = storage_pool::Location::Qcow2File { path };
    let (_, token) = hypervisor::create(app, admin, group.id, "this-machine", None).await?;
    storage_pool::create(app, admin, group.id, "qcow2 files", pool, None).await?;
    filesystem::write_secret(&layout.agent_token(), &token).await?;
    Ok(group.id)
}

async fn plans(app: &App, admin: &Requester) -> anyhow::Result<()> {
    let plans = [
        ("Small, 1 GiB", GIB, StorageType::Qcow2File),
        ("Large, 4 GiB", 4 * GIB, StorageType::Qcow2File),
        ("Ceph, 4 GiB", 4 * GIB, StorageType::CephRbd),
    ];
    for (name, size_bytes, storage_type) in plans {
        let name = name.to_owned();
        let terms = plan::Terms::default();
        plan::create(
            app,
            admin,
            plan::Create {
                name,
                size_bytes,
                storage_type,
                terms,
            },
        )
        .await?;
    }
    Ok(())
}

async fn instance_of(
    app: &App,
    admin: &Requester,
    account_id: AccountId,
    group: HypervisorGroupId,
) -> anyhow::Result<()> {
    let hypervisor = entity::hypervisor::Entity::find()
        .filter(entity::hypervisor::Column::GroupId.eq(group))
        .one(app.database.reads())
        .await?
        .context("the demo has no hypervisor")?;
    let wanted = instance::Create {
        account_id,
        hypervisor_id: hypervisor.id,
        name: "server".to_owned(),
        credits_per_hour: Credit::default(),
        qmp_socket: None,
    };
    instance::create(app, admin, wanted).await?;
    Ok(())
}

/// Makes the customers' volumes through the agent, and fills them. Once is enough.
pub(super) async fn volumes(app: &App, layout: &Layout, sign_ins: &[SignIn]) -> anyhow::Result<()> {
    if layout.is_seeded() {
        return Ok(());
    }
    let db = app.database.reads();
    let plan = entity::volume_plan::Entity::find()
        .one(db)
        .await?
        .context("no plan")?;
    let group = entity::hypervisor_group::Entity::find()
        .one(db)
        .await?
        .context("no group")?;
    for customer in sign_ins.iter().filter(|sign_in| sign_in.role == "customer") {
        let requester = customer.requester(app).await?;
        for name in VOLUMES {
            let id = make(app, &requester, name, plan.id, group.id).await?;
            let image = layout.pool().join(format!("{id}.qcow2"));
            let about = format!("the volume {name} of {}", customer.email);
            let size = u64::try_from(plan.size_bytes)?;
            filesystem::fill(&image, size, &about, &layout.0.join("scratch")).await?;
            if name == VOLUMES[0] {
                attach_to_own(app, &requester, id).await?;
            }
        }
    }
    layout.write_sign_ins(sign_ins).await
}

async fn make(
    app: &App,
    requester: &Requester,
    name: &str,
    plan_id: VolumePlanId,
    group_id: HypervisorGroupId,
) -> anyhow::Result<VolumeId> {
    let input = submit::CreateVolume {
        name: name.to_owned(),
        plan_id,
        group_id,
        account_id: None,
    };
    let operation = submit::create_volume(
        app,
        Request {
            requester,
            input,
            key: None,
        },
    )
    .await?;
    let id = operation.volume_id;
    let mut changes = app.hub.watch(Topic::Volume(id));
    let made = async {
        loop {
            let volume = volume::Entity::find_by_id(id)
                .one(app.database.reads())
                .await?;
            match volume.map(|volume| volume.state) {
                Some(VolumeState::Available) => return Ok(id),
                Some(VolumeState::Creating) => changes.changed().await,
                state => return Err(anyhow!("the volume {name} is {state:?}")),
            }
        }
    };
    timeout(PATIENCE, made)
        .await
        .with_context(|| format!("the agent did not make the volume {name}"))?
}

/// The customer's only instance gets the volume.
async fn attach_to_own(app: &App, requester: &Requester, volume: VolumeId) -> anyhow::Result<()> {
    let instance = entity::instance::Entity::visible_to(requester.scope()?)
        .one(app.database.reads())
        .await?
        .context("the customer has no instance")?;
    attach::attach(app, requester, volume, instance.id).await?;
    Ok(())
}
