//! A record as one line of JSON or logfmt, in a stable order of fields. No field
//! holds a client's text, so nothing needs escaping but what operators named.

use std::{
    fmt::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{access::Record, config::LogFormat};

enum Value<'v> {
    Text(&'v str),
    Number(i128),
    Float(f64),
    Flag(bool),
    Id(u128),
}

pub fn format(record: &Record<'_>, format: LogFormat, sample: f64) -> String {
    let mut line = String::with_capacity(480);
    let (micros, client) = (now_micros(), record.client.to_string());
    let stamp = rfc3339(micros);
    let fields = fields(record, &stamp, &client, sample);
    match format {
        LogFormat::Json => json(&mut line, &fields),
        LogFormat::Logfmt => logfmt(&mut line, &fields),
    }
    line.push('\n');
    line
}

fn fields<'v>(
    record: &'v Record<'_>,
    stamp: &'v str,
    client: &'v str,
    sample: f64,
) -> Vec<(&'static str, Value<'v>)> {
    use Value::{Flag, Float, Id, Number, Text};
    let mut fields = vec![
        ("ts", Text(stamp)),
        ("request_id", Id(record.request_id)),
        ("protocol", Text(record.protocol)),
        ("client", Text(client)),
    ];
    if !record.key.is_empty() {
        fields.push(("key", Text(record.key)));
    }
    fields.extend([
        ("chain", Text(record.chain)),
        ("method", Text(record.method)),
        ("method_class", Text(record.lane)),
        ("batch_size", Number(record.batch.1 as i128)),
        ("batch_index", Number(record.batch.0 as i128)),
        ("http_status", Number(i128::from(record.http_status))),
    ]);
    if let Some(code) = record.rpc_code {
        fields.push(("rpc_code", Number(i128::from(code))));
    }
    fields.push(("outcome", Text(record.outcome.word())));
    fields.push(("status_origin", Text(record.source.word())));
    if let Some(reason) = record.reason {
        fields.push(("reason", Text(reason)));
    }
    if !record.refusals.is_empty() {
        fields.push(("refusals", Text(record.refusals)));
    }
    fields.extend([
        ("zone", Text(record.zone)),
        ("node", Text(record.node)),
        ("attempts", Number(i128::from(record.attempts))),
        ("hedged", Flag(record.hedged)),
        ("t_total_us", Number(record.took.as_micros() as i128)),
        ("bytes_in", Number(record.bytes_in as i128)),
        ("bytes_out", Number(record.bytes_out as i128)),
        ("sample_rate", Float(sample)),
    ]);
    fields
}

fn json(line: &mut String, fields: &[(&str, Value<'_>)]) {
    let mut open = '{';
    for (name, value) in fields {
        let _ = write!(line, "{open}\"{name}\":");
        open = ',';
        let _ = match value {
            Value::Text(text) => write!(line, "\"{}\"", clean(text)),
            Value::Number(number) => write!(line, "{number}"),
            Value::Float(number) => write!(line, "{number}"),
            Value::Flag(flag) => write!(line, "{flag}"),
            Value::Id(id) => write!(line, "\"{id:032x}\""),
        };
    }
    line.push('}');
}

fn logfmt(line: &mut String, fields: &[(&str, Value<'_>)]) {
    for (at, (name, value)) in fields.iter().enumerate() {
        let gap = if at == 0 { "" } else { " " };
        let _ = write!(line, "{gap}{name}=");
        let _ = match value {
            Value::Text(text) => write!(line, "{}", clean(text)),
            Value::Number(number) => write!(line, "{number}"),
            Value::Float(number) => write!(line, "{number}"),
            Value::Flag(flag) => write!(line, "{flag}"),
            Value::Id(id) => write!(line, "{id:032x}"),
        };
    }
}

/// Room for the refusals of a large pool.
const LONGEST_TEXT: usize = 1_024;

/// Only characters that break neither form, so that no text can forge a line or a field.
fn clean(text: &str) -> String {
    let plain = |c: &char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '=');
    text.chars().filter(plain).take(LONGEST_TEXT).collect()
}

fn now_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// UTC with microseconds. Civil date from days: Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms".
fn rfc3339(micros: u64) -> String {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:06}Z")
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use super::*;
    use crate::metrics::{Outcome, Source};

    fn record() -> Record<'static> {
        Record {
            request_id: 0xab,
            protocol: "h1",
            client: Ipv4Addr::LOCALHOST.into(),
            key: "",
            chain: "eth",
            method: "eth_call",
            lane: "state",
            batch: (1, 3),
            http_status: 200,
            rpc_code: None,
            outcome: Outcome::Ok,
            source: Source::Node,
            reason: None,
            refusals: "",
            node: "a1",
            zone: "eu-1a",
            attempts: 2,
            hedged: false,
            took: Duration::from_micros(1_234),
            bytes_in: 120,
            bytes_out: 150,
        }
    }

    #[test]
    fn a_line_is_json_with_a_stable_order_of_fields() {
        let line = format(&record(), LogFormat::Json, 0.5);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["t_total_us"], 1_234);
        assert_eq!(value["request_id"], "000000000000000000000000000000ab");
        assert!(line.starts_with("{\"ts\":\"20"));
        assert!(line.find("\"chain\"") < line.find("\"node\""));
        assert!(line.ends_with("\"sample_rate\":0.5}\n"));
    }

    #[test]
    fn a_line_is_logfmt_where_asked() {
        let line = format(&record(), LogFormat::Logfmt, 1.0);
        assert!(line.contains(" chain=eth method=eth_call method_class=state "), "{line}");
    }

    #[test]
    fn a_known_client_is_named_beside_its_address() {
        let known = Record { key: "explorer", ..record() };
        let line = format(&known, LogFormat::Logfmt, 1.0);
        assert!(line.contains(" client=127.0.0.1 key=explorer chain=eth "), "{line}");
        assert!(!format(&record(), LogFormat::Json, 1.0).contains("key"));
    }

    #[test]
    fn names_cannot_break_a_line() {
        let record = Record { node: "a\"\n=b", ..record() };
        assert!(format(&record, LogFormat::Json, 1.0).contains("\"node\":\"ab\""));
    }

    #[test]
    fn times_are_civil_dates() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(rfc3339(951_782_400_000_000), "2000-02-29T00:00:00.000000Z");
        assert_eq!(rfc3339(1_795_268_096_000_001), "2026-11-21T13:34:56.000001Z");
    }
}
