//! A config back into text: flat sections of `key = value`, written as TOML by
//! [`effective`] and [`written`], compared by [`super::diff`]. One list of keys
//! for both, so that what is printed is what is compared.

use crate::config::{
    AccessLog, Admin, Chain, Config, Cors, Limits, Log, LogFormat, Node, NodeMethods, Oldest,
    Retention, Secret, Server, UnknownMethods, unit,
};

/// A part of the config: its header in TOML and its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    pub header: &'static str,
    pub entries: Vec<Entry>,
}

/// One key and its value as TOML.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    /// The whole value, secrets too.
    pub full: String,
    /// What may be shown: secrets and paths of endpoints left out.
    pub shown: String,
}

/// The config as TOML that parses back to the same config, but for what is
/// secret: values of headers, the token, paths and queries of endpoints stand as `***`.
pub fn effective(config: &Config) -> String {
    render(config, |entry| &entry.shown)
}

/// The config as TOML that parses back to the same config, secrets included:
/// never for a log.
pub fn written(config: &Config) -> String {
    render(config, |entry| &entry.full)
}

fn render(config: &Config, value: impl Fn(&Entry) -> &str) -> String {
    let mut text = String::new();
    let mut add = |section: &Section| {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(section.header);
        text.push('\n');
        for entry in &section.entries {
            text.push_str(&format!("{} = {}\n", entry.key, value(entry)));
        }
    };
    general(config).iter().for_each(&mut add);
    for chain in &config.chains {
        add(&self::chain(chain));
        for pool in &chain.pools {
            let zone = vec![plain("zone", text_value(&pool.zone))];
            add(&Section { header: "[[chains.pools]]", entries: zone });
            pool.nodes.iter().for_each(|node| add(&self::node(node)));
        }
    }
    text
}

/// What stands above the chains.
pub fn general(config: &Config) -> [Section; 4] {
    [server(&config.server), admin(&config.admin), limits(&config.limits), log(&config.log)]
}

fn server(server: &Server) -> Section {
    let mut entries = vec![
        plain("listen", list(server.listen.iter().map(ToString::to_string))),
        plain("zone", text_value(&server.zone)),
        plain("threads", server.threads.to_string()),
        plain("drain", text_value(&unit::duration(server.drain))),
        plain("expose", server.expose.to_string()),
    ];
    let hosts = server.hosts.as_ref().map(|hosts| plain("hosts", list(hosts.iter().cloned())));
    entries.extend(hosts);
    Section { header: "[server]", entries }
}

fn admin(admin: &Admin) -> Section {
    let mut entries = vec![plain("listen", text_value(&admin.listen.to_string()))];
    entries.extend(admin.token.as_ref().map(|token| secret("token".to_owned(), token)));
    Section { header: "[admin]", entries }
}

fn limits(limits: &Limits) -> Section {
    let entries = vec![
        plain("body", size(limits.body)),
        plain("batch", limits.batch.to_string()),
        plain("bodies", size(limits.bodies)),
        plain("response", size(limits.response)),
        plain("connections", limits.connections.to_string()),
    ];
    Section { header: "[limits]", entries }
}

fn log(log: &Log) -> Section {
    let access = match &log.access {
        AccessLog::Off => text_value("off"),
        AccessLog::Stdout => text_value("stdout"),
        AccessLog::File(path) => text_value(&path.to_string_lossy()),
    };
    let format = match log.format {
        LogFormat::Json => "json",
        LogFormat::Logfmt => "logfmt",
    };
    let entries = vec![
        plain("access", access),
        plain("format", text_value(format)),
        plain("sample", number(log.sample)),
    ];
    Section { header: "[log]", entries }
}

/// A chain's own keys, without its pools.
pub fn chain(chain: &Chain) -> Section {
    let mut entries = vec![
        plain("name", text_value(&chain.name)),
        plain("family", text_value(chain.family.word())),
        plain("routes", list(chain.routes.iter().map(ToString::to_string))),
    ];
    let identity = chain.identity.as_ref().map(|identity| plain("identity", text_value(identity)));
    entries.extend(identity);
    entries.push(plain("lag", chain.lag.to_string()));
    entries.extend(chain.block_time.map(|time| plain("block_time", duration(time))));
    let unknown = match chain.unknown_methods {
        UnknownMethods::Refuse => "refuse",
        UnknownMethods::Forward => "forward",
    };
    let cors = match &chain.cors {
        Cors::Any => text_value("any"),
        Cors::Only(origins) => list(origins.iter().cloned()),
    };
    entries.extend([
        plain("pin", chain.pin.to_string()),
        plain("evm", chain.evm.to_string()),
        plain("unknown_methods", text_value(unknown)),
        plain("cors", cors),
        plain("limits.body", size(chain.body)),
        plain("limits.batch", chain.read_limits.items.to_string()),
    ]);
    entries.extend(policy(chain));
    for (method, columns) in &chain.overrides {
        let columns = columns.iter();
        entries.extend(columns.map(|(column, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), text_value);
            plain(&format!("methods.{}.{column}", key(method)), value)
        }));
    }
    Section { header: "[[chains]]", entries }
}

fn policy(chain: &Chain) -> [Entry; 11] {
    let (deadlines, retries, writes) = (&chain.deadlines, &chain.retries, &chain.writes);
    [
        plain("deadlines.connect", duration(deadlines.connect)),
        plain("deadlines.attempt", duration(deadlines.attempt)),
        plain("deadlines.heavy", duration(deadlines.heavy)),
        plain("deadlines.total", duration(deadlines.total)),
        plain("retries.attempts", retries.attempts.to_string()),
        plain("retries.budget", number(retries.budget)),
        plain("retries.floor", number(retries.floor)),
        plain("hedge", number(chain.hedge)),
        plain("writes.settle", writes.settle.to_string()),
        plain("writes.confirm", writes.confirm.to_string()),
        plain("writes.broadcast", writes.broadcast.to_string()),
    ]
}

/// A node's keys.
pub fn node(node: &Node) -> Section {
    let mut entries = vec![
        plain("name", text_value(&node.name)),
        Entry {
            key: "http".to_owned(),
            full: text_value(&node.http.full()),
            shown: text_value(&node.http.masked()),
        },
        plain("weight", node.weight.to_string()),
        plain("archive", node.archive.to_string()),
        plain("fallback", node.fallback.to_string()),
    ];
    entries.extend(node.oldest.map(|oldest| plain("oldest", self::oldest(oldest))));
    let header = |(name, value): &(String, Secret)| secret(format!("headers.{}", key(name)), value);
    entries.extend(node.headers.iter().map(header));
    entries.extend(tls(node));
    entries.extend(node.max_in_flight.map(|value| plain("max_in_flight", value.to_string())));
    entries.push(plain("max_connections", node.max_connections.to_string()));
    entries.extend(node.rate.map(|value| plain("rate", value.to_string())));
    entries.extend(node.probe.map(|value| plain("probe", duration(value))));
    let methods = match &node.methods {
        NodeMethods::All => None,
        NodeMethods::Only(names) => Some(("methods.only", names)),
        NodeMethods::Except(names) => Some(("methods.except", names)),
    };
    entries.extend(methods.map(|(key, names)| plain(key, list(names.iter().cloned()))));
    Section { header: "[[chains.pools.nodes]]", entries }
}

fn tls(node: &Node) -> impl Iterator<Item = Entry> {
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map(|path| path.to_string_lossy().into_owned())
    };
    let tls = &node.tls;
    let keys = [
        ("tls.ca", path(&tls.ca)),
        ("tls.cert", path(&tls.cert)),
        ("tls.key", path(&tls.key)),
        ("tls.name", tls.name.clone()),
    ];
    keys.into_iter().filter_map(|(key, value)| Some(plain(key, text_value(&value?))))
}

fn oldest(oldest: Oldest) -> String {
    let retention = |kept| match kept {
        Retention::From(height) => height.to_string(),
        Retention::Window(blocks) => format!("{{ window = {blocks} }}"),
    };
    if let Oldest { state: Some(state), body: Some(body), logs: Some(logs) } = oldest
        && state == body
        && body == logs
    {
        return retention(state);
    }
    let kinds = [("state", oldest.state), ("body", oldest.body), ("logs", oldest.logs)];
    let kinds: Vec<_> = kinds
        .into_iter()
        .filter_map(|(kind, kept)| Some(format!("{kind} = {}", retention(kept?))))
        .collect();
    format!("{{ {} }}", kinds.join(", "))
}

fn plain(key: &str, value: String) -> Entry {
    Entry { key: key.to_owned(), full: value.clone(), shown: value }
}

fn secret(key: String, value: &Secret) -> Entry {
    Entry { key, full: text_value(value.expose()), shown: text_value("***") }
}

fn duration(value: std::time::Duration) -> String {
    text_value(&unit::duration(value))
}

fn size(bytes: u64) -> String {
    text_value(&unit::size(bytes))
}

/// The shortest float that reads back as itself, always with a point or exponent.
fn number(value: f64) -> String {
    format!("{value:?}")
}

fn list(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<_> = texts.map(|text| text_value(&text)).collect();
    format!("[{}]", texts.join(", "))
}

/// A TOML string that reads back as `text`; `${` is doubled, or it would be filled in.
pub fn text_value(text: &str) -> String {
    quoted(&text.replace("${", "$${"))
}

/// A TOML key: bare where it can be, else quoted.
pub fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.bytes().all(bare) {
        return name.to_owned();
    }
    quoted(name)
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
