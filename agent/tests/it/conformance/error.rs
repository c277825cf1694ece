//! Promises about what cannot be worked on.

use tidemark_agent::driver::Code;

use super::{Disk, SIZE, Storage, created, kept};

/// All of them.
pub async fn errors(storage: &dyn Storage) {
    keep!(
        storage,
        a_volume_that_is_gone_is_said_to_be_missing,
        a_volume_of_another_size_is_refused,
    );
}

async fn a_volume_that_is_gone_is_said_to_be_missing(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    storage.remove(disk);
    driver.clean_up().await.unwrap();
    let outcomes = [
        driver.create_snapshot(kept()).await,
        driver.begin_with_snapshot(kept()).await,
        driver.check_roll_back(kept()).await,
        driver.check_overwrite().await,
        driver.overwrite().await.map(drop),
        driver.open_snapshot(kept()).await.map(drop),
        driver.retained().await.map(drop),
    ];
    for outcome in outcomes {
        let failure = outcome.unwrap_err();
        assert_eq!(failure.code, Code::ImageDamaged);
        assert!(failure.message.contains("is missing"), "{failure}");
        assert!(!failure.message.contains(&disk.id.to_string()), "{failure}");
    }
    driver.delete_snapshot(kept()).await.unwrap();
    driver.delete().await.unwrap();
    assert_eq!(storage.remains(disk), [""; 0]);
}

async fn a_volume_of_another_size_is_refused(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    for size_bytes in [SIZE / 2, 2 * SIZE] {
        let other = storage.driver(Disk { size_bytes, ..disk });
        let outcomes = [
            other.create_snapshot(kept()).await,
            other.begin_with_snapshot(kept()).await,
            other.create().await,
        ];
        for outcome in outcomes {
            let failure = outcome.unwrap_err();
            let words = format!("{SIZE} bytes instead of {size_bytes}");
            assert_eq!(failure.code, Code::StorageFailed);
            assert!(failure.message.contains(&words), "{failure}");
        }
    }
    assert_eq!(storage.remains(disk), ["volume"]);
    driver.delete().await.unwrap();
}
