//! Stores that ask for time, or are away for a while: what has worked is waited for, and whoever waits is told.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};
use testbed::{Ceph, Rgw, skip};
use tidemark_storage::{Cause, Error, Patience, Policy, S3, Store, Waiting};
use tokio::time::{Instant, timeout};

use crate::{
    proxy::{Fate, Kind, Proxy, Seen, refusal},
    site::{self, HASTY, InProcess},
};

const MINUTE: Duration = Duration::from_mins(1);

/// What was told, one after the other.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Waiting for Heard {
    fn begins(&self, cause: Cause, error: &Error) {
        self.0.lock().unwrap().push(format!("{cause:?}: {error}"));
    }

    fn ends(&self) {
        self.0.lock().unwrap().push("over".into());
    }
}

/// Waits until nobody waits for the store any more: parts on their way are given up in tasks of their own.
async fn over(heard: &Heard) {
    let told = async || (heard.0.lock().unwrap().last()? == "over").then_some(());
    testbed::until("nobody waits any more", told).await;
}

/// A store in this process behind a proxy, waited for up to `limit` once it has worked.
async fn site(limit: Duration) -> (InProcess, Proxy, S3, Arc<Heard>) {
    let store = InProcess::start().await;
    let proxy = Proxy::start(&store.endpoint).await;
    let heard = Arc::new(Heard::default());
    let patience = Patience::from(HASTY).up_to(limit).telling(heard.clone());
    let address = site::through(&proxy.endpoint, &store.address());
    let s3 = S3::new(&address).with_patience(patience);
    (store, proxy, s3, heard)
}

/// Has a store take something, so that it is waited for.
async fn prove(s3: &S3) {
    let mut writer = s3.create(&site::path("a/first"), 1).await.unwrap();
    writer.append("x".into()).await.unwrap();
    writer.commit().await.unwrap();
}

/// The store asks for time: a second each time that it is asked.
fn slow_down() -> Fate {
    Fate::Tell(503, &[("retry-after", "1")], refusal("SlowDown"))
}

/// Lets the first part pass, and has everything meet `fate` from then on, for so long.
fn after_a_part(time: Duration, fate: Fate) -> impl Fn(Seen<'_>) -> Fate + Send + Sync {
    let since = Arc::new(Mutex::new(None::<Instant>));
    move |seen| {
        let mut since = since.lock().unwrap();
        match *since {
            None if seen.kind == Kind::Part => {
                *since = Some(Instant::now());
                Fate::Pass
            }
            Some(begun) if begun.elapsed() < time => fate.clone(),
            _ => Fate::Pass,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_asks_for_time_once_it_has_taken_a_part_gets_it() {
    let (store, proxy, s3, heard) = site(MINUTE).await;
    let path = site::path("a/object");
    prove(&s3).await;
    proxy.rule(after_a_part(Duration::from_secs(4), slow_down()));
    let begun = Instant::now();
    site::write(&s3, &path).await.unwrap();
    assert!(begun.elapsed() > Duration::from_secs(4));
    site::assert_written(&s3, &path).await;
    // One at a time, a second apart: not one request more than was asked for.
    assert!(proxy.requests() < 40, "{}", proxy.requests());
    let heard = heard.0.lock().unwrap().clone();
    let told = heard
        .first()
        .is_some_and(|told| told.starts_with("Busy: ") && told.contains("slow down"));
    assert!(told, "{heard:?}");
    assert_eq!(heard.last().unwrap(), "over");
    drop(store);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_in_passing_once_it_has_taken_a_part_is_waited_for_however_it_says_so()
{
    let (_store, proxy, s3, heard) = site(MINUTE).await;
    let time = Duration::from_secs(3);
    prove(&s3).await;
    for (number, (fate, cause)) in [
        (Fate::Answer(503, refusal("SlowDown")), "Busy: "),
        (Fate::Answer(503, String::new()), "Busy: "),
        (Fate::Answer(429, refusal("TooManyRequests")), "Busy: "),
        (
            Fate::Tell(429, &[("retry-after", "2")], String::new()),
            "Busy: ",
        ),
        (Fate::Answer(500, refusal("InternalError")), "Away: "),
        (
            Fate::Answer(502, "<html>Bad Gateway</html>".into()),
            "Away: ",
        ),
        (Fate::Answer(504, String::new()), "Away: "),
        (Fate::Cut, "Away: "),
    ]
    .into_iter()
    .enumerate()
    {
        proxy.rule(after_a_part(time, fate.clone()));
        let path = site::path(&format!("a/{number}"));
        let begun = Instant::now();
        let written = site::write(&s3, &path).await;
        assert!(written.is_ok(), "{fate:?}: {written:?}");
        assert!(begun.elapsed() > time, "{fate:?}");
        site::assert_written(&s3, &path).await;
        let heard = std::mem::take(&mut *heard.0.lock().unwrap());
        assert!(heard[0].starts_with(cause), "{fate:?}: {heard:?}");
        assert_eq!(heard.last().unwrap(), "over", "{fate:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_it_has_taken_anything_it_is_given_up_soon() {
    let (_store, proxy, s3, heard) = site(MINUTE).await;
    proxy.every(Kind::Part, Fate::Answer(503, refusal("SlowDown")));
    let begun = Instant::now();
    let error = site::write(&s3, &site::path("a/object")).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(*heard.0.lock().unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends_and_what_was_begun_can_be_cleaned_up() {
    let (store, proxy, _, heard) = site(MINUTE).await;
    let hasty = Policy {
        limit: Duration::from_secs(3),
        ..HASTY
    };
    let patience = Patience::from(hasty).up_to(Duration::from_secs(5));
    let address = site::through(&proxy.endpoint, &store.address());
    let s3 = S3::new(&address).with_patience(patience.telling(heard.clone()));
    prove(&s3).await;
    proxy.rule(after_a_part(MINUTE, slow_down()));
    let begun = Instant::now();
    let error = site::write(&s3, &site::path("a/object")).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    over(&heard).await;
    store.idle().await;
    let alive = S3::new(&store.address());
    alive.delete_prefix(&site::path("a")).await.unwrap();
    assert_eq!(store.leftovers(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_waiting_stops_at_once() {
    let (_store, proxy, s3, heard) = site(MINUTE).await;
    prove(&s3).await;
    proxy.rule(after_a_part(MINUTE, slow_down()));
    let path = site::path("a/object");
    let begun = Instant::now();
    let write = timeout(Duration::from_secs(4), site::write(&s3, &path));
    write.await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    over(&heard).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_restarted_in_the_midst_is_waited_for() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let mut store = Rgw::start(&ceph).await;
    let heard = Arc::new(Heard::default());
    let patience = Patience::from(HASTY).up_to(MINUTE).telling(heard.clone());
    let s3 = S3::new(&site::rgw(&store)).with_patience(patience);
    let path = site::path("a/object");
    let mut writer = s3.create(&path, site::EXPECTED).await.unwrap();
    let mut taken = 0;
    while writer.unconfirmed_bytes() == (taken * site::MIB) as u64 {
        writer.append(site::chunk(taken)).await.unwrap();
        taken += 1;
    }
    store.kill();
    let all = taken + site::CHUNKS;
    let rest = async {
        for number in taken..all {
            writer.append(site::chunk(number)).await?;
        }
        writer.commit().await
    };
    let back = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        store.restart().await;
    };
    let (written, ()) = tokio::join!(rest, back);
    written.unwrap();
    for number in 0..all {
        let range = (number * site::MIB) as u64..((number + 1) * site::MIB) as u64;
        let read = s3.read(&path, range).await.unwrap();
        assert!(read == site::chunk(number), "MiB {number} differs");
    }
    let heard = heard.0.lock().unwrap().clone();
    assert!(heard[0].starts_with("Away: "), "{heard:?}");
}

/// Gives this thread, and those that it begins from now on, a table of names of their own, and no name server.
/// Nothing where that is not allowed.
fn own_names(directory: &Path) -> Option<()> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        skip("only root can have names of its own");
        return None;
    }
    let none = None::<&str>;
    if let Err(errno) = unshare(CloneFlags::CLONE_NEWNS) {
        skip(&format!(
            "a thread cannot have mounts of its own here: {errno}"
        ));
        return None;
    }
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(none, "/", none, private, none).unwrap();
    for name in ["hosts", "resolv.conf"] {
        let own = directory.join(name);
        fs::write(&own, "").unwrap();
        let place = Path::new("/etc").join(name);
        mount(Some(&own), &place, none, MsFlags::MS_BIND, none).unwrap();
    }
    Some(())
}

#[test]
fn a_name_that_cannot_be_resolved_any_more_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    if own_names(directory.path()).is_none() {
        return;
    }
    let hosts = directory.path().join("hosts");
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        let store = InProcess::start().await;
        let proxy = Proxy::start(&store.endpoint).await;
        let port = proxy.endpoint.rsplit(':').next().unwrap();
        let endpoint = format!("http://store.test:{port}");
        let known = "127.0.0.1 store.test\n";
        fs::write(&hosts, known).unwrap();
        let heard = Arc::new(Heard::default());
        let patience = Patience::from(HASTY).up_to(MINUTE).telling(heard.clone());
        let s3 = S3::new(&site::through(&endpoint, &store.address())).with_patience(patience);
        let path = site::path("a/object");

        prove(&s3).await;
        // The name goes with the first part, and so do all connections.
        let away = Arc::new(AtomicBool::new(false));
        let (is_away, once, gone) = (Arc::clone(&away), AtomicBool::new(true), hosts.clone());
        proxy.rule(move |seen| {
            if is_away.load(Ordering::SeqCst) {
                return Fate::Cut;
            }
            if seen.kind == Kind::Part && once.swap(false, Ordering::SeqCst) {
                fs::write(&gone, "").unwrap();
                is_away.store(true, Ordering::SeqCst);
            }
            Fate::Pass
        });
        let back = async {
            let told = async || (!heard.0.lock().unwrap().is_empty()).then_some(());
            testbed::until("somebody waits", told).await;
            away.store(false, Ordering::SeqCst);
            fs::write(&hosts, known).unwrap();
        };
        let (written, ()) = tokio::join!(site::write(&s3, &path), back);
        written.unwrap();
        site::assert_written(&s3, &path).await;
        let heard = heard.0.lock().unwrap().clone();
        let told = &heard[0];
        let expected = told.starts_with("Away: ") && told.contains("name cannot be resolved");
        assert!(expected, "{heard:?}");
        assert_eq!(heard.last().unwrap(), "over");
    });
}
