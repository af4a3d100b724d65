//! One record per call: the log line and the metrics come from the same value.
//! Never here: keys, query strings, params, a method name that no table knows.
//!
//! Lines are handed to a thread of their own over a bounded queue: a full disk or
//! a stopped reader costs lines (counted), never calls.

mod line;

use std::{
    fs::OpenOptions,
    io::{self, Write},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};

use crate::{
    config::{self, LogFormat},
    error::CallError,
    family::Family,
    metrics::{Outcome, Source},
};

/// Lines that may wait for the writer.
const QUEUE: usize = 8_192;

/// One call as it is logged. Fields in the order they are written.
#[derive(Clone, Copy, Debug)]
pub struct Record<'r> {
    pub request_id: u128,
    pub protocol: &'static str,
    pub client: IpAddr,
    /// The client's name where a key or a token tells it, else empty.
    pub key: &'r str,
    /// The chain's name; empty when no route was found.
    pub chain: &'r str,
    /// A row of the method table, `other`, or empty when nothing was read.
    pub method: &'r str,
    pub lane: &'static str,
    /// Size of the batch and position in it; both 0 for a single call.
    pub batch: (usize, usize),
    pub http_status: u16,
    pub rpc_code: Option<i64>,
    pub outcome: Outcome,
    pub source: Source,
    /// Word of the gateway's own error, if it was one.
    pub reason: Option<&'static str>,
    /// Why each node was not asked, where none could be: `a1:suspected,b1:behind`.
    pub refusals: &'r str,
    pub node: &'r str,
    pub zone: &'r str,
    pub attempts: u32,
    pub hedged: bool,
    pub took: Duration,
    pub bytes_in: usize,
    pub bytes_out: usize,
}

/// Where access lines go.
#[derive(Clone, Debug)]
pub struct AccessLog {
    lines: Option<SyncSender<String>>,
    format: LogFormat,
    /// Share of successful calls that are logged.
    sample: f64,
    dropped: Arc<AtomicU64>,
}

impl AccessLog {
    /// Writes nowhere.
    pub fn off() -> Self {
        Self { lines: None, format: LogFormat::Json, sample: 0.0, dropped: Arc::default() }
    }

    /// Opens the log the config asks for.
    ///
    /// # Errors
    ///
    /// The file cannot be opened for appending.
    pub fn open(log: &config::Log) -> io::Result<Self> {
        let out: Box<dyn Write + Send> = match &log.access {
            config::AccessLog::Off => return Ok(Self::off()),
            config::AccessLog::Stdout => Box::new(io::stdout()),
            config::AccessLog::File(path) => {
                Box::new(OpenOptions::new().create(true).append(true).open(path)?)
            }
        };
        Ok(Self::to(out, log))
    }

    /// Writes to `out` from a thread of its own, which ends when the log is dropped.
    pub fn to(mut out: Box<dyn Write + Send>, log: &config::Log) -> Self {
        let (lines, queue) = sync_channel::<String>(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        std::thread::spawn(move || {
            for line in queue {
                if out.write_all(line.as_bytes()).is_err() {
                    lost.fetch_add(1, Relaxed);
                }
            }
        });
        Self { lines: Some(lines), format: log.format, sample: log.sample, dropped }
    }

    /// Lines that were lost since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Whether a call with this outcome is to be logged; `fraction` is uniform in `[0, 1)`.
    pub fn wants(&self, outcome: Outcome, fraction: f32) -> bool {
        let good = matches!(outcome, Outcome::Ok | Outcome::AppError);
        self.lines.is_some() && (!good || f64::from(fraction) < self.sample)
    }

    pub fn write(&self, record: &Record<'_>) {
        let Some(lines) = &self.lines else { return };
        let line = line::format(record, self.format, self.sample);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = lines.try_send(line) {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// A request that was refused before any call was read.
    pub fn refusal(
        &self,
        chain: Option<&str>,
        family: Family,
        error: &CallError,
        from: Refused<'_>,
    ) {
        if self.lines.is_none() {
            return;
        }
        self.write(&Record {
            request_id: from.request_id,
            protocol: from.protocol,
            client: from.client,
            key: from.key,
            chain: chain.unwrap_or_default(),
            method: "",
            lane: "",
            batch: (0, 0),
            http_status: error.http_status(family),
            rpc_code: Some(i64::from(error.code(family))),
            outcome: Outcome::of(error),
            source: Source::Gateway,
            reason: Some(error.reason().word()),
            refusals: "",
            node: "",
            zone: "",
            attempts: 0,
            hedged: false,
            took: Duration::ZERO,
            bytes_in: 0,
            bytes_out: 0,
        });
    }
}

/// Who was refused.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'r> {
    pub request_id: u128,
    pub protocol: &'static str,
    pub client: IpAddr,
    /// Its name, where it is known.
    pub key: &'r str,
}
