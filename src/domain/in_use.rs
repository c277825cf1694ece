//! What cannot be deleted because something still uses it, in words.

use super::{Result, guard::Refusal};

/// How many there are of something that uses what is to be deleted, and what one of them is called.
pub type Users = (u64, &'static str);

/// Refuses to delete `what` while any of `users` are there.
pub fn check_unused(what: &str, users: &[Users]) -> Result<()> {
    let users: Vec<_> = users.iter().filter(|(count, _)| *count > 0).collect();
    if users.is_empty() {
        return Ok(());
    }
    let mut words = String::new();
    for (place, (count, noun)) in users.iter().enumerate() {
        let before = match place {
            0 => "",
            _ if place + 1 == users.len() => " and ",
            _ => ", ",
        };
        let plural = if *count == 1 { "" } else { "s" };
        words.extend([before, &count.to_string(), " ", noun, plural]);
    }
    Err(Refusal::InUse(format!("{what} is used by {words}.")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_uses_something_is_counted_in_words() {
        let told = |users: &[Users]| {
            check_unused("Plan \"gold\"", users).map_err(|refusal| refusal.to_string())
        };
        assert_eq!(told(&[(0, "volume"), (0, "backup")]), Ok(()));
        for (users, words) in [
            (vec![(1, "volume"), (0, "backup")], "1 volume"),
            (
                vec![(3, "volume"), (2, "backup")],
                "3 volumes and 2 backups",
            ),
            (
                vec![(1, "user"), (3, "volume"), (0, "instance"), (1, "backup")],
                "1 user, 3 volumes and 1 backup",
            ),
        ] {
            assert_eq!(
                told(&users),
                Err(format!("Plan \"gold\" is used by {words}."))
            );
        }
    }
}
