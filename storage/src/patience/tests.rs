//! What passes is waited for, for as long as it should be, and who waits is told.

use std::sync::atomic::AtomicU32;

use super::*;

/// What was told, one after the other.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Waiting for Heard {
    fn begins(&self, cause: Cause, _: &Error) {
        self.0.lock().unwrap().push(format!("{cause:?}"));
    }

    fn ends(&self) {
        self.0.lock().unwrap().push("over".into());
    }
}

fn patient() -> (Patience, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let patience = Patience::from(Policy::default()).up_to(Duration::from_mins(15));
    (patience.telling(heard.clone()), heard)
}

fn away() -> Error {
    Error::Transient {
        reason: "nobody answers".into(),
    }
}

fn busy(after: Option<u64>) -> Error {
    Error::Busy {
        reason: "SlowDown".into(),
        after: after.map(Duration::from_secs),
    }
}

/// Fails for so many seconds.
async fn seconds(patience: &Patience, seconds: u64, error: fn() -> Error) -> Result<Duration> {
    let begun = Instant::now();
    let attempt = || async {
        if begun.elapsed() < Duration::from_secs(seconds) {
            return Err(error());
        }
        Ok(begun.elapsed())
    };
    patience.run(attempt).await
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_never_worked_is_given_up_soon() {
    let (patience, _) = patient();
    let begun = Instant::now();
    let error = seconds(&patience, 600, away).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(begun.elapsed() < Policy::default().limit);
}

#[tokio::test(start_paused = true)]
async fn one_that_has_worked_is_waited_for_and_whoever_waits_is_told() {
    let (patience, heard) = patient();
    patience.prove();
    seconds(&patience, 600, away).await.unwrap();
    assert_eq!(*heard.0.lock().unwrap(), ["Away", "over"]);
    let begun = Instant::now();
    let error = seconds(&patience, 6000, away).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let waited = begun.elapsed();
    let expected = Duration::from_mins(14)..Duration::from_mins(15);
    assert!(expected.contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn what_passes_in_a_moment_is_told_to_nobody() {
    let (patience, heard) = patient();
    let count = AtomicU32::new(0);
    let attempt = || async {
        match count.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(away()),
            _ => Ok(()),
        }
    };
    patience.run(attempt).await.unwrap();
    assert!(heard.0.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_asks_for_time_gets_it_within_reason() {
    let (patience, heard) = patient();
    patience.prove();
    let asks = || busy(Some(30));
    let attempts = AtomicU32::new(0);
    let begun = Instant::now();
    let attempt = || async {
        attempts.fetch_add(1, Ordering::Relaxed);
        if begun.elapsed() < Duration::from_secs(100) {
            return Err(asks());
        }
        Ok(())
    };
    patience.run(attempt).await.unwrap();
    assert_eq!(attempts.load(Ordering::Relaxed), 5);
    assert_eq!(*heard.0.lock().unwrap(), ["Busy", "over"]);

    let waited = seconds(&patience, 10, || busy(Some(3600))).await.unwrap();
    assert!(waited < LONGEST_ASKED * 2, "{waited:?}");
    let hasty = Patience::from(Policy::default());
    let begun = Instant::now();
    let error = seconds(&hasty, 600, || busy(Some(60))).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_stops_at_once_and_nobody_is_left_waiting() {
    let (patience, heard) = patient();
    patience.prove();
    let begun = Instant::now();
    let waits = seconds(&patience, 600, away);
    let stopped = tokio::time::timeout(Duration::from_secs(100), waits);
    stopped.await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(100));
    assert_eq!(*heard.0.lock().unwrap(), ["Away", "over"]);
}

#[tokio::test(start_paused = true)]
async fn several_that_wait_are_one_wait_with_an_end_of_its_own() {
    let (patience, heard) = patient();
    patience.prove();
    let (first, second) = tokio::join!(
        seconds(&patience, 60, away),
        seconds(&patience, 200, || busy(None))
    );
    first.unwrap();
    second.unwrap();
    let heard = heard.0.lock().unwrap();
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert_eq!(heard[2], "over");
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_and_differ() {
    let pauses: Vec<_> = (0..20).map(|_| jittered(Duration::from_secs(2))).collect();
    assert!(
        pauses
            .iter()
            .all(|pause| (1000..=2000).contains(&pause.as_millis()))
    );
    assert!(pauses.windows(2).any(|pair| pair[0] != pair[1]));
}
