//! A config back into text: flat sections of `key = value`, written as TOML by
//! [`effective`] and [`written`], compared by [`super::diff`]. One list of keys
//! for both, so that what is printed is what is compared.

use crate::config::{
    AccessLog, Admin, Chain, Client, Config, Cors, Jwt, KeyHash, Limits, Log, LogFormat,
    MethodFilter, Node, Oldest, Rate, Retention, Secret, Server, ServerTls, UnknownMethods, unit,
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
    general(config).iter().filter(|section| !section.entries.is_empty()).for_each(&mut add);
    config.clients.iter().map(client).for_each(|section| add(&section));
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
pub fn general(config: &Config) -> [Section; 5] {
    [
        server(&config.server),
        admin(&config.admin),
        limits(&config.limits),
        log(&config.log),
        jwt(config.jwt.as_ref()),
    ]
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
    if !server.trusted_proxies.is_empty() {
        let networks = list(server.trusted_proxies.iter().map(ToString::to_string));
        entries.push(plain("trusted_proxies", networks));
    }
    let proxy_protocol = if server.proxy_protocol { "required" } else { "off" };
    entries.extend([
        plain("forwarded", text_value(server.forwarded.word())),
        plain("proxy_protocol", text_value(proxy_protocol)),
        plain("idle", text_value(server.idle.word())),
        plain("path_keys", server.path_keys.to_string()),
    ]);
    if !server.tls.is_empty() {
        let tables: Vec<_> = server.tls.iter().map(server_tls).collect();
        entries.push(plain("tls", format!("[{}]", tables.join(", "))));
    }
    Section { header: "[server]", entries }
}

fn admin(admin: &Admin) -> Section {
    let mut entries = vec![plain("listen", text_value(&admin.listen.to_string()))];
    entries.extend(admin.token.as_ref().map(|token| secret("token".to_owned(), token)));
    Section { header: "[admin]", entries }
}

fn limits(limits: &Limits) -> Section {
    let mut entries = vec![
        plain("body", size(limits.body)),
        plain("batch", limits.batch.to_string()),
        plain("bodies", size(limits.bodies)),
        plain("response", size(limits.response)),
        plain("connections", limits.connections.to_string()),
    ];
    let caps = [
        ("connections_per_client", limits.connections_per_client),
        ("connections_per_prefix", limits.connections_per_prefix),
    ];
    // What is written applies to loopback too: a default must not come back as written.
    let written = caps.into_iter().filter(|(_, cap)| cap.written);
    entries.extend(written.map(|(key, cap)| plain(key, cap.most.to_string())));
    entries.extend(limits.rate.map(|rate| plain("rate", self::rate(rate))));
    entries.extend(limits.in_flight.map(|most| plain("in_flight", most.to_string())));
    entries.extend(limits.heavy.map(|most| plain("heavy", most.to_string())));
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
    ]);
    entries.extend(chain.rate.map(|rate| plain("rate", self::rate(rate))));
    entries.extend([
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
    entries.extend(methods(&node.methods));
    Section { header: "[[chains.pools.nodes]]", entries }
}

fn methods(filter: &MethodFilter) -> Option<Entry> {
    let (key, names) = match filter {
        MethodFilter::All => return None,
        MethodFilter::Only(names) => ("methods.only", names),
        MethodFilter::Except(names) => ("methods.except", names),
    };
    Some(plain(key, list(names.iter().cloned())))
}

/// A client's keys. API keys stand as their hashes, which may not be shown either: a weak
/// key can be found from its hash.
pub fn client(client: &Client) -> Section {
    let mut entries = vec![plain("name", text_value(&client.name))];
    if !client.keys.is_empty() {
        let hash = |key: &KeyHash| {
            let digits: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("sha256:{digits}")
        };
        let full = list(client.keys.iter().map(hash));
        // Told apart, for no two clients may have one key.
        let shown = text_value(&format!("*** of {}", client.name));
        entries.push(Entry { key: "key".to_owned(), full, shown });
    }
    entries.extend(client.rate.map(|rate| plain("rate", self::rate(rate))));
    entries.extend(client.in_flight.map(|most| plain("in_flight", most.to_string())));
    let chains = client.chains.as_ref();
    entries
        .extend(chains.map(|names| plain("chains", list(names.iter().map(ToString::to_string)))));
    entries.extend(methods(&client.methods));
    let origins = client.origins.as_ref();
    entries.extend(origins.map(|origins| plain("origins", list(origins.iter().cloned()))));
    Section { header: "[[clients]]", entries }
}

fn jwt(jwt: Option<&Jwt>) -> Section {
    let mut entries = Vec::new();
    if let Some(jwt) = jwt {
        entries.push(plain("keys", text_value(&jwt.keys.to_string_lossy())));
        entries.push(plain("claim", text_value(&jwt.claim)));
        let words = [("issuer", &jwt.issuer), ("audience", &jwt.audience)];
        let written = words.into_iter().filter_map(|(key, word)| Some((key, word.as_ref()?)));
        entries.extend(written.map(|(key, word)| plain(key, text_value(word))));
    }
    Section { header: "[jwt]", entries }
}

fn rate(rate: Rate) -> String {
    let Rate { weight_per_second, burst } = rate;
    format!("{{ weight_per_second = {weight_per_second}, burst = {burst} }}")
}

fn server_tls(tls: &ServerTls) -> String {
    let path = |path: &std::path::Path| text_value(&path.to_string_lossy());
    let mut text = format!("{{ cert = {}, key = {}", path(&tls.cert), path(&tls.key));
    if !tls.names.is_empty() {
        text.push_str(&format!(", names = {}", list(tls.names.iter().cloned())));
    }
    if let Some(ca) = &tls.client_ca {
        text.push_str(&format!(", client_ca = {}", path(ca)));
    }
    text + " }"
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
