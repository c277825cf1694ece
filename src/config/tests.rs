//! That what an operator writes is what the gateway does, or an error that says what is wrong.

use super::*;

fn read(text: &str) -> Result<Config, Error> {
    Config::read(text, [])
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn message(result: Result<Config, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn an_empty_file_gives_the_defaults_and_the_domains_own() {
    let config = read("").unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.settings(), Settings::default());
}

#[test]
fn the_example_is_what_is_checked_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tidemark.example.toml");
    let kept = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        kept,
        example().unwrap(),
        "run: tidemark config example > docs/tidemark.example.toml"
    );
}

#[test]
fn the_example_gives_the_defaults() {
    assert_eq!(read(&example().unwrap()).unwrap(), Config::default());
}

#[test]
fn an_unknown_key_is_refused_and_the_nearest_named() {
    assert_eq!(
        message(read("[rules]\ncooldown_second = 1")),
        "unknown key rules.cooldown_second: did you mean rules.cooldown_seconds?"
    );
    assert_eq!(
        message(read("[rule]\ncooldown_seconds = 1")),
        "unknown section [rule]: did you mean [rules]?"
    );
    assert_eq!(
        message(read("[database]\nxyzzy = 1")),
        "unknown key database.xyzzy: `tidemark config example` lists all there are"
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_by_name() {
    let message = message(read("[database]\nmax_connections = \"many\""));
    assert!(message.contains("max_connections"), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn a_broken_file_is_refused_with_its_line() {
    let message = message(read("[database]\nurl = \n"));
    assert!(message.contains("line 2"), "{message}");
}

#[test]
fn a_broken_line_is_not_repeated_since_it_may_be_a_secret() {
    for text in [
        "[secrets]\nkeys = [\"base64:hunter2",
        "[secrets]\nkeys = [\"hunter2\"]",
        "[secrets]\nkeys = \"hunter2\"",
        "[database]\nurl = postgres://u:hunter2@host/x",
    ] {
        let message = message(read(text));
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn keys_are_read_in_their_order_and_never_shown() {
    use crate::secret::new_key;
    let (one, two) = (new_key().unwrap(), new_key().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secrets.key");
    std::fs::write(&path, format!("{}\n", one.expose())).unwrap();
    let keys = format!("file:{}, base64:{}", path.display(), two.expose());
    let read = |keys: &str| Config::read("", variables(&[("TIDEMARK_SECRETS_KEYS", keys)]));
    let config = read(&keys).unwrap();
    assert!(!format!("{config:?}").contains(two.expose()));
    let both = format!("{:?}", config.secrets.load().unwrap());
    let first = format!(
        "{:?}",
        read(&format!("base64:{}", one.expose()))
            .unwrap()
            .secrets
            .load()
            .unwrap()
    );
    assert!(
        both.starts_with(first.trim_end_matches([')', ']'])),
        "{both} {first}"
    );

    let gone = read("file:/nowhere/secrets.key").unwrap().secrets.load();
    assert!(
        gone.unwrap_err()
            .to_string()
            .contains("/nowhere/secrets.key")
    );
    let short = read("base64:hunter2").unwrap().secrets.load().unwrap_err();
    assert!(!short.to_string().contains("hunter2"), "{short}");
    let twice = read(&format!("base64:{0},base64:{0}", two.expose())).unwrap();
    let error = twice.secrets.load().unwrap_err().to_string();
    assert!(
        error.contains("is there twice") && !error.contains(two.expose()),
        "{error}"
    );
}

#[test]
fn a_variable_wins_over_the_file() {
    let config = Config::read(
        "[http]\nlisten = \"127.0.0.1:1\"\n[rules]\ncooldown_seconds = 1",
        variables(&[
            ("TIDEMARK_HTTP_LISTEN", "127.0.0.1:2"),
            ("TIDEMARK_RULES_MAX_ATTEMPTS", "7"),
            ("TIDEMARK_GRAPHQL_GRAPHIQL", "true"),
            ("TIDEMARK_LOG_FORMAT", "json"),
            ("TIDEMARK_HTTP_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
            ("HOME", "/nowhere"),
        ]),
    )
    .unwrap();
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.rules.cooldown_seconds, 1);
    assert_eq!(config.rules.max_attempts, 7);
    assert!(config.graphql.graphiql);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.http.trusted_proxies.len(), 2);
}

#[test]
fn every_key_has_a_variable() {
    for section in Config::SECTIONS {
        for key in section.keys {
            let name = overlay::variable(section, key.name);
            let known = match Config::read("", variables(&[(&name, "0")])) {
                Ok(_) | Err(Error::Invalid(_) | Error::Syntax(_)) => true,
                Err(Error::Unknown(_) | Error::Read { .. } | Error::Secrets(_)) => false,
            };
            assert!(known, "{name}");
        }
    }
}

#[test]
fn an_unknown_variable_is_refused_and_the_nearest_named() {
    assert_eq!(
        message(Config::read(
            "",
            variables(&[("TIDEMARK_DATABASE_URI", "x")])
        )),
        "unknown environment variable TIDEMARK_DATABASE_URI: did you mean TIDEMARK_DATABASE_URL?"
    );
}

#[test]
fn variables_of_single_commands_and_of_tests_are_left_alone() {
    let others = variables(&[
        ("TIDEMARK_PASSWORD", "x"),
        ("TIDEMARK_TEST_POSTGRES_URL", "x"),
    ]);
    assert!(Config::read("", others).is_ok());
}

#[test]
fn a_variable_that_is_no_number_is_refused_by_name() {
    assert_eq!(
        message(Config::read(
            "",
            variables(&[("TIDEMARK_RULES_LEASE_SECONDS", "soon")])
        )),
        "TIDEMARK_RULES_LEASE_SECONDS is not a whole number: \"soon\""
    );
}

#[test]
fn all_that_makes_no_sense_is_said_at_once() {
    let message = message(read(
        "[rules]\nheartbeat_seconds = 31\nmax_attempts = 0\n[database]\nurl = \"mysql://x\"\n\
         [log]\nfilter = \"a=b=c\"",
    ));
    for word in ["heartbeat", "max_attempts", "database.url", "log.filter"] {
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[test]
fn the_file_of_sqlite_is_told_from_its_url() {
    let file = |url: &str| {
        let database = Database {
            url: url.to_owned(),
            ..Database::default()
        };
        database.sqlite_file().map(ToOwned::to_owned)
    };
    assert_eq!(file("sqlite:///var/x.db?mode=rwc").unwrap(), "/var/x.db");
    assert_eq!(file("sqlite://x.db").unwrap(), "x.db");
    assert_eq!(file("sqlite::memory:"), None);
    assert_eq!(file("postgres://localhost/x"), None);
}
