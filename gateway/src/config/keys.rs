//! The table of keys: the one source of what the config may hold. The reader
//! ([`super::file`]), the JSON schema and the docs page ([`super::schema`]) all
//! follow it, so none can say what another does not.

use std::time::Duration;

use crate::{
    config::{
        form::Form,
        kind::{Absent, Key, Kind, Literal, Table},
    },
    family::Family,
};

/// Most nodes of a file: one that a program wrote wrong is refused before it takes all
/// memory.
pub const MAX_NODES: usize = 10_000;
/// Most routes of a file.
pub const MAX_ROUTES: usize = 1_000;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

const FAMILY_WORDS: [&str; Family::ALL.len()] = family_words();

const fn family_words() -> [&'static str; Family::ALL.len()] {
    let mut words = [""; Family::ALL.len()];
    let mut i = 0;
    while i < words.len() {
        words[i] = Family::ALL[i].word();
        i += 1;
    }
    words
}

const fn key(name: &'static str, kind: Kind, absent: Absent, doc: &'static str) -> Key {
    Key { name, kind, absent, doc }
}

const fn is(text: &'static str) -> Absent {
    Absent::Is(Literal::Text(text))
}

const fn integer(value: u64) -> Absent {
    Absent::Is(Literal::Integer(value))
}

const fn number(value: f64) -> Absent {
    Absent::Is(Literal::Number(value))
}

const fn bool(value: bool) -> Absent {
    Absent::Is(Literal::Bool(value))
}

const TABLE: Absent = Absent::Is(Literal::EmptyTable);
const REFUSED: Absent = Absent::Refused;
const NAME: Kind = Kind::Text(Form::Name);
const FILE: Kind = Kind::Text(Form::File);
const SHARE: Kind = Kind::Number { min: 0.0, max: 1.0 };
const SIZE_OF_BODY: Kind = Kind::Size { min: KIB, max: GIB };
const ITEMS_OF_BATCH: Kind = Kind::Integer { min: 1, max: 10_000 };
const DEADLINE: Kind = Kind::Duration { min: MILLISECOND, max: HOUR };

const fn words(words: &'static [&'static str]) -> Kind {
    Kind::Word { words, later: &[] }
}

/// The whole file.
pub static ROOT: Table = Table {
    doc: "The whole file.",
    keys: &[
        key("server", Kind::Table(&SERVER), TABLE, "Where and how clients are served."),
        key("admin", Kind::Table(&ADMIN), TABLE, "The operators' listener."),
        key("limits", Kind::Table(&LIMITS), TABLE, "Bounds on what clients may send and get."),
        key("log", Kind::Table(&LOG), TABLE, "The access log: one line per call."),
        key(
            "clients",
            Kind::List { of: &Kind::Table(&CLIENT), max: MAX_CLIENTS },
            Absent::Means("nobody is known by name"),
            "Clients that are known by a key or a token, each with its plan.",
        ),
        key(
            "jwt",
            Kind::Table(&JWT),
            Absent::Means("tokens are not taken"),
            "Signed tokens (RFC 7519) that name a client: HS256, RS256, ES256, EdDSA.",
        ),
        key(
            "chains",
            Kind::List { of: &Kind::Table(&CHAIN), max: MAX_ROUTES },
            REFUSED,
            "The chains that are served, each with its pools of nodes.",
        ),
    ],
    later: &["cache"],
};

static SERVER: Table = Table {
    doc: "Where and how clients are served.",
    keys: &[
        key(
            "listen",
            Kind::List { of: &Kind::Text(Form::Listen), max: 64 },
            Absent::Is(Literal::Texts(&["127.0.0.1:8545"])),
            "Addresses for clients: HTTP/1.1 and HTTP/2 (h2c too) on one port; port 0 takes a free one. A change needs a restart.",
        ),
        key(
            "zone",
            NAME,
            Absent::Means("the first pool's zone"),
            "The zone this gateway runs in: its nodes are preferred. A change needs a restart.",
        ),
        key(
            "threads",
            Kind::Integer { min: 1, max: 1_024 },
            Absent::Means("one per core"),
            "Worker threads of the data path. A change needs a restart.",
        ),
        key(
            "drain",
            Kind::Duration { min: Duration::ZERO, max: HOUR },
            is("20s"),
            "How long to keep serving after SIGTERM while `/readyz` already says no: longer than the balancer takes to notice.",
        ),
        key(
            "expose",
            Kind::Bool,
            bool(false),
            "Tell clients node, zone and attempts in response headers.",
        ),
        key(
            "hosts",
            Kind::List { of: &Kind::Text(Form::Host), max: MAX_ROUTES },
            Absent::Means("any Host is served"),
            "The Host names that are served; others get 421.",
        ),
        key(
            "trusted_proxies",
            Kind::List { of: &Kind::Text(Form::Network), max: MAX_ROUTES },
            Absent::Means("none: a client is the peer of its connection"),
            "Networks of the proxies and balancers in front. The client's address is the first from the right that is not theirs.",
        ),
        key(
            "forwarded",
            words(&["x-forwarded-for", "forwarded"]),
            is("x-forwarded-for"),
            "The header in which trusted proxies tell the client's address; the other one is not read.",
        ),
        key(
            "proxy_protocol",
            words(&["off", "required"]),
            is("off"),
            "Whether every connection begins with a PROXY header (version 1 or 2), from a trusted proxy.",
        ),
        key(
            "idle",
            words(&["direct", "alb", "nlb", "gcp"]),
            is("direct"),
            "What stands in front, for how long idle connections are kept: 75 s, 65 s, 360 s or 620 s. It must be longer than the balancer keeps them.",
        ),
        key(
            "tls",
            Kind::Either(&[
                Kind::Table(&SERVER_TLS),
                Kind::List { of: &Kind::Table(&SERVER_TLS), max: MAX_ROUTES },
            ]),
            Absent::Means("plain HTTP"),
            "Certificates of the data port: one, or a list with names. A changed file is taken up within seconds.",
        ),
        key("path_keys", Kind::Bool, bool(false), "Take API keys from the path too: `/chain/key`."),
    ],
    later: &["state", "secret"],
};

static SERVER_TLS: Table = Table {
    doc: "One certificate.",
    keys: &[
        key("cert", FILE, REFUSED, "PEM file of the certificate and its chain, leaf first."),
        key("key", FILE, REFUSED, "PEM file of the private key."),
        key(
            "names",
            Kind::List { of: &Kind::Text(Form::ServerName), max: MAX_ROUTES },
            Absent::Means("it is the default certificate"),
            "Server names (SNI) that get it; `*.example.org` is all names one label below. A name that is nowhere gets the default certificate, or is refused if there is none.",
        ),
        key(
            "client_ca",
            FILE,
            Absent::Means("clients need no certificate"),
            "PEM file of the authorities of which clients must show a certificate.",
        ),
    ],
    later: &[],
};

const MAX_CLIENTS: usize = 100_000;

static CLIENT: Table = Table {
    doc: "A client known by name: the name is its label in metrics and logs.",
    keys: &[
        key("name", NAME, REFUSED, "The client's name, unique in the file."),
        key(
            "key",
            Kind::Either(&[Kind::Secret, Kind::List { of: &Kind::Secret, max: 16 }]),
            Absent::Means("known by a token only"),
            "Its API key, or several of which each is good; or `sha256:` and the key's SHA-256 in hex.",
        ),
        key(
            "rate",
            Kind::Table(&RATE),
            Absent::Means("`limits.rate`, in a bucket of its own"),
            "How much it may ask for.",
        ),
        key(
            "in_flight",
            Kind::Integer { min: 1, max: 1_000_000 },
            Absent::Means("`limits.in_flight`"),
            "Its calls in flight.",
        ),
        key(
            "chains",
            Kind::List { of: &NAME, max: MAX_ROUTES },
            Absent::Means("all chains"),
            "The chains it may use; others are 403.",
        ),
        key(
            "methods",
            Kind::Table(&METHOD_FILTER),
            Absent::Means("all methods that the chain serves"),
            "The methods it may use: `{ only = [...] }` or `{ except = [...] }`; others are 403.",
        ),
        key(
            "origins",
            Kind::List { of: &Kind::Text(Form::Origin), max: MAX_ROUTES },
            Absent::Means("any origin, and no page at all"),
            "Web origins that may use its key: a request from elsewhere is 403.",
        ),
    ],
    later: &[],
};

static JWT: Table = Table {
    doc: "Tokens that name a client, sent as `Authorization: Bearer …`.",
    keys: &[
        key(
            "keys",
            FILE,
            REFUSED,
            "File of a PEM public key, of a JWKS (RFC 7517), or of a secret of at least 32 bytes for HS256. Read again when it changes.",
        ),
        key(
            "claim",
            Kind::Text(Form::Word),
            is("sub"),
            "The claim whose text is the client's name.",
        ),
        key(
            "issuer",
            Kind::Text(Form::Word),
            Absent::Means("not looked at"),
            "What `iss` must be.",
        ),
        key(
            "audience",
            Kind::Text(Form::Word),
            Absent::Means("not looked at"),
            "What must be in `aud`.",
        ),
    ],
    later: &[],
};

static RATE: Table = Table {
    doc: "Weight per second and at once. A call costs its method's weight (`docs/limits.md`).",
    keys: &[
        key("weight_per_second", RATE_WEIGHT, REFUSED, "Weight that comes back every second."),
        key(
            "burst",
            RATE_WEIGHT,
            Absent::Means("twice `weight_per_second`"),
            "Most weight at once; a batch or call that weighs more is 413.",
        ),
    ],
    later: &[],
};

const RATE_WEIGHT: Kind = Kind::Integer { min: 1, max: 10_000_000 };

static ADMIN: Table = Table {
    doc: "The operators' listener: metrics, health, API.",
    keys: &[
        key(
            "listen",
            Kind::Text(Form::Listen),
            is("127.0.0.1:9545"),
            "Address for operators. Anything but loopback needs `token`. A change needs a restart.",
        ),
        key(
            "token",
            Kind::Secret,
            Absent::Means("no token is asked for"),
            "Asked for as `Authorization: Bearer …`.",
        ),
    ],
    later: &["tls"],
};

static LIMITS: Table = Table {
    doc: "Bounds on what clients may send and get.",
    keys: &[
        key(
            "body",
            SIZE_OF_BODY,
            is("5MiB"),
            "Bytes of one request body; more is 413. Where it is not set, chains whose nodes take more are served as much.",
        ),
        key("batch", ITEMS_OF_BATCH, integer(100), "Calls of one batch."),
        key(
            "bodies",
            Kind::Size { min: MIB, max: 1_024 * GIB },
            is("256MiB"),
            "Bytes of all request bodies in flight together; past it 503.",
        ),
        key(
            "response",
            Kind::Size { min: KIB, max: 4 * GIB },
            is("25MiB"),
            "Bytes of one reply, or of all replies of a batch.",
        ),
        key(
            "connections",
            Kind::Integer { min: 1, max: 10_000_000 },
            integer(20_000),
            "Client connections in all; never more than half the limit of open files.",
        ),
        key(
            "connections_per_client",
            CONNECTIONS_OF_PEER,
            integer(200),
            "Connections of one peer (IPv6: of its /64); more are closed at once. Peers in `server.trusted_proxies` are not counted; those on loopback only if this is written.",
        ),
        key(
            "connections_per_prefix",
            CONNECTIONS_OF_PEER,
            integer(256),
            "Connections of one /24 (IPv6: of one /48). As `connections_per_client`.",
        ),
        key(
            "rate",
            Kind::Table(&RATE),
            Absent::Means("no rate applies"),
            "How much one client may ask for: one key, or one IPv4 address, or one IPv6 /64 (four times as much for its /56, sixteen times for its /48).",
        ),
        key(
            "in_flight",
            Kind::Integer { min: 1, max: 1_000_000 },
            Absent::Means("no bound"),
            "Calls of one client in flight; more are 429.",
        ),
        key(
            "heavy",
            Kind::Integer { min: 1, max: 1_000_000 },
            Absent::Means("two for each node of the chain"),
            "Heavy calls (lane `trace`) of one chain in flight; a client gets at most a tenth of them, at least one. More are 429.",
        ),
    ],
    later: &[],
};

const CONNECTIONS_OF_PEER: Kind = Kind::Integer { min: 1, max: 10_000_000 };

static LOG: Table = Table {
    doc: "The access log: one line per call.",
    keys: &[
        key("access", FILE, is("stdout"), "`stdout`, `off`, or the path of a file."),
        key("format", words(&["json", "logfmt"]), is("json"), "How a line is written."),
        key(
            "sample",
            SHARE,
            number(1.0),
            "Share of successful calls that are logged; failed ones always are.",
        ),
    ],
    later: &["address"],
};

static CHAIN: Table = Table {
    doc: "One chain.",
    keys: &[
        key("name", NAME, REFUSED, "The chain's name in routes, metrics and logs."),
        key("family", words(&FAMILY_WORDS), REFUSED, "The kind of chain."),
        key(
            "routes",
            Kind::List { of: &Kind::Text(Form::Route), max: MAX_ROUTES },
            Absent::Means("`[\"/NAME\"]`"),
            "Paths and hosts that lead to this chain. The only chain of a file also answers on `/`.",
        ),
        key(
            "identity",
            Kind::Either(&[
                Kind::Text(Form::Identity),
                Kind::Integer { min: 0, max: i64::MAX as u64 },
            ]),
            Absent::Means("learned from the first majority of nodes"),
            "Which chain it is: chain id, network id, name or genesis hash, as the family has it. A node that says another one never serves.",
        ),
        key(
            "lag",
            Kind::Integer { min: 0, max: 10_000 },
            integer(1),
            "Blocks behind the served tip within which a node is still fresh enough for calls that name no block.",
        ),
        key(
            "block_time",
            Kind::Duration { min: MILLISECOND, max: HOUR },
            Absent::Means("measured"),
            "Expected time between blocks.",
        ),
        key(
            "pin",
            Kind::Bool,
            bool(true),
            "Write the served tip into calls that mean the newest block.",
        ),
        key(
            "evm",
            Kind::Bool,
            bool(false),
            "The chain's nodes serve an EVM's methods besides their own (Frontier): clients are served them too.",
        ),
        key(
            "unknown_methods",
            words(&["refuse", "forward"]),
            is("refuse"),
            "What to do with methods that the table does not have.",
        ),
        key(
            "cors",
            Kind::Either(&[
                words(&["any"]),
                Kind::List { of: &Kind::Text(Form::Origin), max: MAX_ROUTES },
            ]),
            is("any"),
            "Origins of browser clients: `\"any\"`, without credentials, or a list.",
        ),
        key(
            "rate",
            Kind::Table(&RATE),
            Absent::Means("no rate applies"),
            "How much all clients together may ask of this chain.",
        ),
        key("limits", Kind::Table(&CHAIN_LIMITS), TABLE, "Bounds of this chain."),
        key("deadlines", Kind::Table(&DEADLINES), TABLE, "How long things may take."),
        key("retries", Kind::Table(&RETRIES), TABLE, "How often a call is tried elsewhere."),
        key(
            "hedge",
            Kind::Number { min: 0.0, max: 0.5 },
            number(0.05),
            "Share of calls that may be sent a second time when the first node is slow; 0 turns it off.",
        ),
        key("writes", Kind::Table(&WRITES), TABLE, "What is done for signed transactions."),
        key(
            "methods",
            Kind::Map { key: Form::Method, of: &Kind::Table(&METHOD) },
            TABLE,
            "Changes to the method table, by method name.",
        ),
        key(
            "pools",
            Kind::List { of: &Kind::Table(&POOL), max: MAX_ROUTES },
            REFUSED,
            "Interchangeable nodes, one pool per zone.",
        ),
    ],
    later: &["logs", "discover"],
};

static CHAIN_LIMITS: Table = Table {
    doc: "Bounds of one chain; absent: those of the whole file.",
    keys: &[
        key("body", SIZE_OF_BODY, Absent::Means("`limits.body`"), "Bytes of one request body."),
        key("batch", ITEMS_OF_BATCH, Absent::Means("`limits.batch`"), "Calls of one batch."),
    ],
    later: &["response"],
};

static DEADLINES: Table = Table {
    doc: "How long things may take: connect ≤ attempt ≤ total and heavy ≤ total.",
    keys: &[
        key("connect", DEADLINE, is("1s"), "To connect to a node."),
        key("attempt", DEADLINE, is("3s"), "One try of a cheap call."),
        key("heavy", DEADLINE, is("15s"), "One try of a heavy call (executions, logs, proofs)."),
        key("total", DEADLINE, is("25s"), "A whole call, all tries and waits included."),
    ],
    later: &[],
};

static RETRIES: Table = Table {
    doc: "How often a call is tried elsewhere.",
    keys: &[
        key(
            "attempts",
            Kind::Integer { min: 1, max: 5 },
            integer(3),
            "Sends in all, the first included.",
        ),
        key("budget", SHARE, number(0.2), "Retries as a share of calls."),
        key(
            "floor",
            Kind::Number { min: 0.0, max: 10_000.0 },
            number(10.0),
            "Retries a second that are always allowed.",
        ),
    ],
    later: &[],
};

static WRITES: Table = Table {
    doc: "What is done for signed transactions.",
    keys: &[
        key("settle", Kind::Bool, bool(true), "Look one that is in doubt up at another node."),
        key(
            "confirm",
            Kind::Bool,
            bool(true),
            "Ask another node for an accepted one, a block later.",
        ),
        key(
            "broadcast",
            Kind::Integer { min: 1, max: 5 },
            integer(1),
            "Nodes that one is sent to at once.",
        ),
    ],
    later: &[],
};

const WEIGHT: Kind = Kind::Integer { min: 1, max: 1_000_000 };

const fn column(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    key(name, kind, Absent::Means("as in the table"), doc)
}

static METHOD: Table = Table {
    doc: "Columns of the method table; what is left out stays as the table has it.",
    keys: &[
        column(
            "class",
            words(&["read", "write", "subscribe", "unsubscribe", "session", "local", "refuse"]),
            "What is done with the method at all.",
        ),
        column(
            "block",
            Kind::Text(Form::Block),
            "Where the block reference stands in the params, and its kind.",
        ),
        column(
            "data",
            words(&["none", "header", "body", "state", "logs", "mempool"]),
            "The data of a node that it reads.",
        ),
        column(
            "cache",
            words(&["final", "executed", "head", "finalized_head", "chain", "never"]),
            "How long its answer stays true.",
        ),
        column("weight", WEIGHT, "Cost, in units of the cheapest call."),
        column(
            "full_weight",
            WEIGHT,
            "Cost when the second parameter is `true` (whole transactions).",
        ),
        column(
            "range_weight",
            Kind::Integer { min: 0, max: 1_000_000 },
            "Cost added for every 1,000 blocks of a range.",
        ),
        column(
            "timeout",
            words(&["cheap", "heavy", "trace", "wait"]),
            "Which deadline one try has.",
        ),
        column(
            "null",
            words(&["answer", "gap"]),
            "What a null result means: an answer, or a gap of this node.",
        ),
        column(
            "lane",
            words(&["light", "state", "logs", "trace", "write"]),
            "Which breaker and latency of a node it counts for.",
        ),
        column(
            "transaction",
            Kind::Either(&[Kind::Integer { min: 0, max: 15 }, Kind::Text(Form::Block)]),
            "Where the signed transaction stands in the params: position (counted from 0), `.name`, or `params` for all of them.",
        ),
        column(
            "by_hash",
            Kind::Text(Form::Method),
            "How the block is named by its hash: never, in_place (EIP-1898), or the method that \
             takes a hash in the number's place.",
        ),
        column(
            "in_block",
            Kind::Text(Form::Method),
            "Member of the result that names its block: one from above the tip waits for the tip.",
        ),
        column(
            "omitted",
            words(&["local"]),
            "What the call is without its block: `local`, answered by the gateway from the served tip.",
        ),
        column(
            "requires",
            Kind::Text(Form::Block),
            "Place of a param without which the call is refused.",
        ),
        column(
            "pinned_as",
            Kind::Text(Form::Block),
            "`METHOD .MEMBER`: the call is asked as METHOD, with the served tip as MEMBER of its params.",
        ),
        column(
            "tip_at",
            Kind::Text(Form::Method),
            "Member of the result in which the served tip stands in place of the node's own newest block.",
        ),
        column(
            "path",
            words(&["v3d", "rosetta"]),
            "The path below `/api/` at which nodes serve it, where it is not the usual one.",
        ),
        column(
            "kind",
            Kind::Text(Form::Method),
            "Member of the params that is part of the method: the row METHOD.VALUE counts, where there is one.",
        ),
    ],
    later: &[],
};

static POOL: Table = Table {
    doc: "The nodes of one chain in one zone.",
    keys: &[
        key("zone", NAME, REFUSED, "The zone's name."),
        key("nodes", Kind::List { of: &Kind::Table(&NODE), max: MAX_NODES }, REFUSED, "The nodes."),
    ],
    later: &["discover"],
};

static NODE: Table = Table {
    doc: "One node.",
    keys: &[
        key("name", NAME, REFUSED, "The node's name, unique in the file."),
        key("http", Kind::Text(Form::Endpoint), REFUSED, "Where it answers JSON-RPC over HTTP."),
        key(
            "weight",
            Kind::Integer { min: 1, max: 10_000 },
            integer(100),
            "Its share of traffic and of capacity.",
        ),
        key(
            "archive",
            Kind::Bool,
            bool(false),
            "It keeps everything, and is kept for calls that need that.",
        ),
        key(
            "fallback",
            Kind::Bool,
            bool(false),
            "Used only when no other node can serve: a paid provider, another region.",
        ),
        key(
            "oldest",
            Kind::Either(&[HEIGHT, Kind::Table(&OLDEST)]),
            Absent::Means("not known: a pruned answer is tried again on an archive node"),
            "The oldest block it still serves: a height, `{ window = n }`, or a table by data kind.",
        ),
        key(
            "headers",
            Kind::Map { key: Form::Header, of: &Kind::Secret },
            TABLE,
            "Sent with every request to the node; values are never shown.",
        ),
        key("tls", Kind::Table(&NODE_TLS), TABLE, "How an https endpoint is verified."),
        key(
            "max_in_flight",
            Kind::Integer { min: 1, max: 1_000_000 },
            Absent::Means("no bound"),
            "Calls in flight, over all workers.",
        ),
        key(
            "max_connections",
            Kind::Integer { min: 1, max: 100_000 },
            integer(64),
            "Connections, over all workers.",
        ),
        key(
            "rate",
            Kind::Integer { min: 1, max: 10_000_000 },
            Absent::Means("no bound"),
            "Calls a second, over all workers, probes included.",
        ),
        key(
            "probe",
            Kind::Duration { min: MILLISECOND, max: HOUR },
            Absent::Means("from the block time"),
            "How often to probe it.",
        ),
        key(
            "methods",
            Kind::Table(&METHOD_FILTER),
            Absent::Means("all methods"),
            "The methods it is used for: `{ only = [...] }` or `{ except = [...] }`.",
        ),
    ],
    later: &["ws"],
};

const HEIGHT: Kind = Kind::Integer { min: 0, max: i64::MAX as u64 };
const RETENTION: Kind = Kind::Either(&[HEIGHT, Kind::Table(&RETENTION_TABLE)]);
const UNKNOWN: Absent =
    Absent::Means("not known: a pruned answer is tried again on an archive node");

static OLDEST: Table = Table {
    doc: "What a node still serves: `window` for everything, or by data kind.",
    keys: &[
        key("window", WINDOW, Absent::Means("not a window"), "The newest so many blocks."),
        key("state", RETENTION, UNKNOWN, "Of state: a height or `{ window = n }`."),
        key(
            "body",
            RETENTION,
            UNKNOWN,
            "Of block bodies and receipts: a height or `{ window = n }`.",
        ),
        key("logs", RETENTION, UNKNOWN, "Of logs: a height or `{ window = n }`."),
    ],
    later: &[],
};

const WINDOW: Kind = Kind::Integer { min: 1, max: i64::MAX as u64 };

static RETENTION_TABLE: Table = Table {
    doc: "A number of newest blocks.",
    keys: &[key("window", WINDOW, REFUSED, "The newest so many blocks.")],
    later: &[],
};

static NODE_TLS: Table = Table {
    doc: "How an https endpoint is verified.",
    keys: &[
        key(
            "ca",
            FILE,
            Absent::Means("the system's roots"),
            "PEM file of the authorities to trust.",
        ),
        key(
            "cert",
            FILE,
            Absent::Means("none is shown"),
            "PEM file of our certificate; needs `key`.",
        ),
        key("key", FILE, Absent::Means("none"), "PEM file of our certificate's key; needs `cert`."),
        key(
            "name",
            Kind::Text(Form::Host),
            Absent::Means("the endpoint's host"),
            "The name that the node's certificate must have.",
        ),
    ],
    later: &[],
};

static METHOD_FILTER: Table = Table {
    doc: "Which methods: one of the two.",
    keys: &[
        key("only", METHOD_NAMES, Absent::Means("all but `except`"), "Only these."),
        key("except", METHOD_NAMES, Absent::Means("none is left out"), "All but these."),
    ],
    later: &[],
};

const METHOD_NAMES: Kind = Kind::List { of: &Kind::Text(Form::Method), max: 1_000 };
