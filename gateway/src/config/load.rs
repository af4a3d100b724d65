//! Ways to a [`Config`]: a file, a text, or a list of nodes from the command line.

use std::{fmt::Write as _, fs::File, io::Read, net::SocketAddr, path::Path};

use sha3::{Digest, Sha3_256};

use crate::{
    config::{
        Config, Files, check,
        file::{self, Env},
        print,
        problem::{Problem, Problems},
    },
    family::Family,
};

/// Most bytes of a config file; a larger one is refused unread.
const FILE_BYTES: u64 = 4 << 20;

/// A config that can run, and what is odd about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// In the order of the text.
    pub warnings: Vec<Problem>,
}

/// The nodes of `headrace run --node URL …`.
#[derive(Clone, Copy, Debug)]
pub struct Nodes<'a> {
    pub urls: &'a [String],
    /// Absent: the default of `server.listen`.
    pub listen: Option<SocketAddr>,
    pub family: Family,
    /// Absent: learned from the first majority.
    pub identity: Option<&'a str>,
}

impl Config {
    /// Reads and checks a file of at most 4 MiB.
    ///
    /// # Errors
    /// Every problem, warnings among them, in the order of the text.
    pub fn load(path: &Path, env: Env<'_>) -> Result<Loaded, Vec<Problem>> {
        let name = path.display().to_string();
        let of_file = |message| vec![Problem::of_file(&name, message)];
        let bytes = read_bounded(path, FILE_BYTES).map_err(of_file)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::parse(text, path, env),
            Err(bad) => {
                let sound = String::from_utf8_lossy(&bytes[..bad.valid_up_to()]);
                let mut problems = Problems::new(&name, &sound);
                let place = crate::config::problem::Place::new(sound.len(), "");
                problems.error(&place, "the file is not UTF-8 from here on");
                Err(problems.finish())
            }
        }
    }

    /// Checks a text as if it stood in the file `path`, which need not exist.
    ///
    /// # Errors
    /// Every problem, warnings among them, in the order of the text.
    pub fn parse(text: &str, path: &Path, env: Env<'_>) -> Result<Loaded, Vec<Problem>> {
        let name = path.display().to_string();
        let mut problems = Problems::new(&name, text);
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut files = Files::default();
        let written = file::read(&mut problems, folder, env, &mut files);
        let config = written.map(|root| check::check(&mut problems, &root, folder, files));
        let sound = !problems.has_errors();
        let found = problems.finish();
        match config {
            Some(mut config) if sound => {
                config.revision = revision(&config);
                Ok(Loaded { config, warnings: found })
            }
            _ => Err(found),
        }
    }

    /// The config of a gateway that was given nothing but its nodes: one chain,
    /// named as its family, in one zone.
    ///
    /// # Errors
    /// Every problem, with the node's URL left out: it may hold a key.
    pub fn for_nodes(nodes: &Nodes<'_>) -> Result<Loaded, Vec<Problem>> {
        let text = text_of(nodes);
        let none = |_: &str| None;
        let place = |mut problem: Problem| {
            problem.path = command_line_path(&problem.path);
            problem.line = 0;
            problem.column = 0;
            problem
        };
        let place_all = |problems: Vec<Problem>| problems.into_iter().map(place).collect();
        match Self::parse(&text, Path::new("command line"), &none) {
            Ok(loaded) => Ok(Loaded { warnings: place_all(loaded.warnings), ..loaded }),
            Err(problems) => Err(place_all(problems)),
        }
    }
}

fn text_of(nodes: &Nodes<'_>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if let Some(listen) = nodes.listen {
        let _ = writeln!(text, "server.listen = [\"{listen}\"]");
    }
    let word = nodes.family.word();
    let _ = writeln!(text, "[[chains]]\nname = \"{word}\"\nfamily = \"{word}\"");
    if let Some(identity) = nodes.identity {
        let _ = writeln!(text, "identity = {}", print::text_value(identity));
    }
    let _ = writeln!(text, "[[chains.pools]]\nzone = \"local\"\nnodes = [");
    for (index, url) in nodes.urls.iter().enumerate() {
        let url = print::text_value(url);
        let _ = writeln!(text, "{{ name = \"node-{}\", http = {url} }},", index + 1);
    }
    text.push_str("]\n");
    text
}

/// What the user wrote for `path`: `--node` with its number, or another option.
fn command_line_path(path: &str) -> String {
    let node = path.strip_prefix("chains[0].pools[0].nodes[");
    if let Some((index, _)) = node.and_then(|rest| rest.split_once(']')) {
        let number = index.parse::<usize>().map_or(1, |index| index.saturating_add(1));
        return format!("--node number {number}");
    }
    match path {
        "chains[0].identity" => "--identity".to_owned(),
        "chains[0].pools[0].nodes" => "--node".to_owned(),
        path if path.starts_with("server.listen") || path == "admin.listen" => {
            "--listen".to_owned()
        }
        path => path.to_owned(),
    }
}

fn revision(config: &Config) -> String {
    let digest = Sha3_256::digest(print::written(config));
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a file, but never more than `max` bytes of it.
///
/// # Errors
/// Why it cannot be read, with its path.
pub fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(max + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > max {
        return Err(format!("{} is larger than {}", path.display(), super::unit::size(max)));
    }
    Ok(bytes)
}
