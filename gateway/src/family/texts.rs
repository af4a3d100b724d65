//! Looking for known texts in the errors of nodes: lower case, found in any case, `*` for
//! anything between. Nothing is copied, and only the front of a message is read.

/// How much of a message is read: known texts stand in front, and a message of
/// megabytes must not cost a scan for each of them.
const MESSAGE_READ: usize = 512;

/// The first [`MESSAGE_READ`] bytes.
pub fn front(text: &str) -> &[u8] {
    &text.as_bytes()[..text.len().min(MESSAGE_READ)]
}

/// Whether `message` begins with `text`, a known text.
pub fn starts_with(message: &[u8], text: &str) -> bool {
    let head = text.split_once('*').map_or(text, |(head, _)| head);
    let begins = message.get(..head.len()).is_some_and(|start| same(start, head.as_bytes()));
    begins && matches_text(message, text)
}

/// Whether `message` contains `text`, a known text.
pub fn matches_text(message: &[u8], text: &str) -> bool {
    let (head, rest) = text.split_once('*').unwrap_or((text, ""));
    let Some(end) = find(message, head.as_bytes()) else { return false };
    find(&message[end..], rest.as_bytes()).is_some()
}

fn same(found: &[u8], text: &[u8]) -> bool {
    found.eq_ignore_ascii_case(text)
}

/// Where the first occurrence of `text` (lower case) ends, in any case.
fn find(message: &[u8], text: &[u8]) -> Option<usize> {
    let Some(&first) = text.first() else { return Some(0) };
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), message)
        .filter_map(|at| Some((at, message.get(at..at + text.len())?)))
        .find(|(_, found)| same(found, text))
        .map(|(at, _)| at + text.len())
}
