//! Reads Prometheus text, as far as expectations need it.

use std::collections::BTreeMap;

/// One series with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// The series whose names are wanted; lines that are none are passed over.
pub fn read(text: &str, wanted: impl Fn(&str) -> bool) -> Vec<Series> {
    text.lines().filter_map(|line| series(line, &wanted)).collect()
}

fn series(line: &str, wanted: &impl Fn(&str) -> bool) -> Option<Series> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    if !wanted(name) {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.trim().split(' ').next()?.parse().ok()?;
    Some(Series { name: name.to_owned(), labels, value })
}

/// The labels, and what follows them.
fn labels(mut text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        text = text.trim_start_matches([',', ' ']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.split_once("=\"")?;
        let (value, rest) = quoted(rest)?;
        labels.insert(name.to_owned(), value);
        text = rest;
    }
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

/// The sum of all series with a name and at least these labels; `None` when there is none.
#[must_use]
pub fn sum(series: &[Series], name: &str, labels: &BTreeMap<String, String>) -> Option<f64> {
    let has = |series: &&Series| {
        series.name == name
            && labels.iter().all(|(label, value)| series.labels.get(label) == Some(value))
    };
    let mut values = series.iter().filter(has).map(|series| series.value).peekable();
    values.peek()?;
    Some(values.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP a_total help\n# TYPE a_total counter\na_total{n=\"x\",z=\"1\"} 2\n\
        a_total{n=\"y \\\"q\\\"\"} 3\nb 1.5\nc{} 1 1700000000\nbroken{n=\"x} 1\n";

    fn check(name: &str, labels: &[(&str, &str)], expected: Option<f64>) {
        let series = read(TEXT, |_| true);
        let labels = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(sum(&series, name, &labels), expected, "{name}");
    }

    #[test]
    fn series_are_added_up_over_labels_not_asked_for() {
        check("a_total", &[], Some(5.0));
        check("a_total", &[("n", "x")], Some(2.0));
        check("a_total", &[("n", "y \"q\"")], Some(3.0));
        check("a_total", &[("n", "z")], None);
        check("b", &[], Some(1.5));
        check("c", &[], Some(1.0));
        check("broken", &[], None);
    }

    #[test]
    fn only_wanted_names_are_kept() {
        assert_eq!(read(TEXT, |name| name == "b").len(), 1);
    }
}
