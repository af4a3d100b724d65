//! What is wrong with a config, and where: collected, never stopped at the first.
//!
//! A problem's place is a byte offset while reading and becomes line and column
//! (both from 1, columns in characters) once, at the end.

use serde::Serialize;

/// Problems kept of one file; past it they are only counted.
const KEPT: usize = 1_000;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The config is refused.
    Error,
    /// The config works, but perhaps not as meant.
    Warning,
}

/// One thing that is wrong. Its JSON form is that of `headrace check --format json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub severity: Severity,
    /// Where in the config's tree: `chains[0].pools[1].nodes[2].weight`.
    pub path: String,
    pub message: String,
    /// What would be right, where that can be said.
    pub allowed: Option<String>,
    pub file: String,
    /// From 1; 0 when the problem has no place in a text.
    pub line: usize,
    /// From 1, in characters; 0 when the problem has no place in a text.
    pub column: usize,
}

impl Problem {
    /// An error about a file as a whole.
    pub fn of_file(file: &str, message: String) -> Self {
        Self {
            severity: Severity::Error,
            path: String::new(),
            message,
            allowed: None,
            file: file.to_owned(),
            line: 0,
            column: 0,
        }
    }
}

/// `file:line:column: path: what is wrong, allowed: …`.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        f.write_str(": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.message)?;
        match &self.allowed {
            Some(allowed) => write!(f, ", allowed: {allowed}"),
            None => Ok(()),
        }
    }
}

/// All problems as lines of text, as `headrace check` prints them.
pub fn text(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// All problems as one JSON array, as `headrace check --format json` prints them.
pub fn json(problems: &[Problem]) -> String {
    serde_json::to_string_pretty(problems).unwrap_or_else(|_| "[]".to_owned())
}

/// Where something stands: in the text and in the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Byte offset in the text.
    pub at: usize,
    pub path: String,
}

impl Place {
    pub fn new(at: usize, path: &str) -> Self {
        Self { at, path: path.to_owned() }
    }
}

/// The problems of one text, as they are found.
pub struct Problems<'t> {
    file: &'t str,
    text: &'t str,
    /// Offsets of the first byte of each line.
    lines: Vec<usize>,
    found: Vec<(usize, Problem)>,
    more: usize,
    errors: usize,
}

impl<'t> Problems<'t> {
    pub fn new(file: &'t str, text: &'t str) -> Self {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes());
        let lines = std::iter::once(0).chain(ends.map(|end| end + 1)).collect();
        Self { file, text, lines, found: Vec::new(), more: 0, errors: 0 }
    }

    pub fn text(&self) -> &'t str {
        self.text
    }

    pub fn file(&self) -> &'t str {
        self.file
    }

    pub fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.push(Severity::Error, place, message.into(), None);
    }

    pub fn error_allowed(&mut self, place: &Place, message: impl Into<String>, allowed: String) {
        self.push(Severity::Error, place, message.into(), Some(allowed));
    }

    pub fn warn(&mut self, place: &Place, message: impl Into<String>) {
        self.push(Severity::Warning, place, message.into(), None);
    }

    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether further problems are only counted: their texts need not be made.
    pub fn is_full(&self) -> bool {
        self.found.len() >= KEPT
    }

    /// The line, from 1, that the byte at `at` stands in.
    pub fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    fn push(&mut self, severity: Severity, at: &Place, message: String, allowed: Option<String>) {
        self.errors += usize::from(severity == Severity::Error);
        if self.is_full() {
            self.more += 1;
            return;
        }
        let (path, file) = (at.path.clone(), self.file.to_owned());
        let problem = Problem { severity, path, message, allowed, file, line: 0, column: 0 };
        self.found.push((at.at.min(self.text.len()), problem));
    }

    /// All of them in the order of the text, with line and column.
    pub fn finish(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|(at, _)| *at);
        // The last place, so that many problems of one long line cost one walk.
        let (mut line, mut done, mut column) = (0, 0, 1);
        for (at, problem) in &mut self.found {
            let this = self.lines.partition_point(|start| start <= at);
            if this != line {
                (line, done, column) = (this, self.lines[this - 1], 1);
            }
            column += columns(&self.text.as_bytes()[done..*at]);
            done = *at;
            (problem.line, problem.column) = (line, column);
        }
        let mut problems: Vec<_> = self.found.into_iter().map(|(_, problem)| problem).collect();
        if self.more > 0 {
            let message = format!("{} more problems are not shown", self.more);
            problems.push(Problem::of_file(self.file, message));
        }
        problems
    }
}

/// Characters in UTF-8 bytes: every byte that does not continue one.
fn columns(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// The word of `words` that `written` most likely meant: at most a third of it is
/// different (Damerau-Levenshtein, adjacent swaps count once).
pub fn closest<'w>(written: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let bound = written.chars().count().clamp(3, 9) / 3;
    words
        .map(|word| (distance(written, word), word))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_prints_as_file_line_column_path_message_allowed() {
        let mut problems = Problems::new("a.toml", "x = 1\nä = 2 # y\n");
        problems.error_allowed(&Place::new(14, "ä.y"), "is odd", "2".to_owned());
        problems.warn(&Place::new(0, "x"), "is new");
        let printed = text(&problems.finish());
        assert_eq!(
            printed,
            "a.toml:1:1: x: warning: is new\na.toml:2:8: ä.y: is odd, allowed: 2\n"
        );
    }

    #[test]
    fn problems_past_the_bound_are_counted_not_kept() {
        let mut problems = Problems::new("a.toml", "");
        (0..KEPT + 5).for_each(|_| problems.error(&Place::default(), "bad"));
        let problems = problems.finish();
        assert_eq!(problems.len(), KEPT + 1);
        assert_eq!(problems[KEPT].message, "5 more problems are not shown");
    }

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let words = ["weight", "archive", "http", "max_in_flight"];
        let rows = [
            ("wieght", Some("weight")),
            ("weigth", Some("weight")),
            ("archiv", Some("archive")),
            ("htp", Some("http")),
            ("max_inflight", Some("max_in_flight")),
            ("colour", None),
            ("", None),
        ];
        for (written, expected) in rows {
            assert_eq!(closest(written, words.into_iter()), expected, "{written}");
        }
    }
}
