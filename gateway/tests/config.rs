//! The config as operators meet it: what is printed for a file full of mistakes,
//! what is accepted prints back, nothing makes the reader panic.

use std::path::{Path, PathBuf};

use headrace_gateway::config::{Config, load::Loaded, problem, problem::Problem};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares `text` with a golden file; `UPDATE_GOLDEN=1` rewrites it.
fn golden(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(expected == text, "{} is stale; UPDATE_GOLDEN=1 rewrites it:\n{text}", path.display());
}

fn golden_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config")
}

fn no_env(_: &str) -> Option<String> {
    None
}

fn parse(text: &str) -> Result<Loaded, Vec<Problem>> {
    Config::parse(text, Path::new("test.toml"), &no_env)
}

/// Checks `tests/golden/config/NAME.toml` and compares what is printed with `NAME.txt`.
fn check_golden(name: &str) {
    let path = golden_dir().join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap();
    let file = format!("{name}.toml");
    let problems = match Config::parse(&text, Path::new(&file), &no_env) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    golden(&golden_dir().join(format!("{name}.txt")), &problem::text(&problems));
}

#[test]
fn every_mistake_of_a_file_is_reported_at_once_in_its_place() {
    check_golden("mistakes");
}

#[test]
fn syntax_errors_do_not_hide_the_mistakes_of_sound_lines() {
    check_golden("syntax");
}

#[test]
fn an_unclosed_bracket_is_one_problem() {
    check_golden("unclosed");
}

#[test]
fn starting_configs_are_accepted_without_a_warning() {
    for name in ["small", "one-chain"] {
        let path = repository().join(format!("config/{name}.toml"));
        let loaded = Config::load(&path, &no_env).unwrap_or_else(|problems| {
            panic!("{name}: {}", problem::text(&problems));
        });
        assert_eq!(loaded.warnings, [], "{name}");
    }
}

#[test]
fn x() {
    let _ = parse("");
}
