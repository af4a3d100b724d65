//! What must always hold: every file in `loadtest/scenarios` is sound, and with
//! `HEADRACE_SCENARIOS=1` (release binaries built) holds.

use std::path::{Path, PathBuf};
use std::process::Command;

use headrace_loadtest::scenario::Scenario;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

#[test]
fn every_scenario_file_is_sound_and_expects_something() {
    let folders = ["scenarios", "scenarios/soak", "scenarios/open", "scenarios/open/soak"];
    let files = folders.map(files).concat();
    assert!(files.len() >= 30, "{files:?}");
    for path in files {
        let scenario = Scenario::load(&path).unwrap();
        assert!(!scenario.expect.is_empty(), "{}", path.display());
    }
}

#[test]
fn rows_are_played_with_all_families_but_for_a_few() {
    let own = [
        ("one-method", 1),
        ("poison", 1),
        ("fork-live", 3),
        ("heads-two-gateways", 3),
        ("outage-and-retries", 1),
        ("flood", 1),
        ("batches-and-forgers", 1),
        ("http2-floods", 1),
        ("slow-sockets", 1),
    ];
    for path in files("scenarios") {
        let scenario = Scenario::load(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let row = own.iter().find(|(own, _)| *own == name);
        assert_eq!(scenario.chain.families.len(), row.map_or(4, |row| row.1), "{name}");
    }
}

/// Ten minutes in a release build, so only where it is asked for.
#[test]
fn every_scenario_holds() {
    if std::env::var_os("HEADRACE_SCENARIOS").is_none() {
        return;
    }
    let release = Path::new(env!("CARGO_BIN_EXE_loadtest"))
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("release");
    let binary = |name: &str| {
        let path = release.join(name);
        assert!(path.is_file(), "{} is not built", path.display());
        path
    };
    let rest = ["--family", "substrate,near,icon", "--rate-scale", "0.1", "--jobs", "6"];
    for how in [&[][..], &rest] {
        let mut command = Command::new(binary("loadtest"));
        command.arg("scenario").args(files("scenarios")).args(how);
        command.arg("--gateway").arg(binary("headrace"));
        assert!(command.status().unwrap().success(), "{how:?}");
    }
}
