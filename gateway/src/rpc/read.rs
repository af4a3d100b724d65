//! Reading a request's text: one call or a batch, checked whole, in slices.
//!
//! The text is refused as a whole where it is no JSON or too much of it; an item
//! that is JSON but no call is refused by itself, so that its neighbours in the
//! batch are served. What each is refused for: [`Invalid`].

use super::{
    Call, Id, Invalid, ReadLimits, Refused, Request,
    scan::Scanner,
    walk::{string_end, text},
};

/// Longest id that is echoed, quotes included.
const ID_BYTES: usize = 64;
/// Longest method name.
const METHOD_BYTES: usize = 128;
/// The id of an answer to something whose id cannot be read.
const NULL_ID: Id<'static> = Id::Raw("null");

/// Reads a whole request.
///
/// # Errors
///
/// The text as a whole is refused: `Parse`, `TooDeep`, `TooComplex`,
/// `EmptyBatch` or `BatchTooLarge` (with the first item's id). The last one wins
/// over the others: a batch over the limit is that, whatever else it breaks.
pub fn read<'a>(text: &'a [u8], limits: &ReadLimits) -> Result<Request<'a>, Refused<'a>> {
    let outcome = match std::str::from_utf8(text) {
        Ok(text) => request(text, limits),
        Err(_) => Err(refused(Invalid::Parse)),
    };
    match outcome {
        Err(why) if why.why != Invalid::BatchTooLarge && overfull(text, limits) => {
            Err(Refused { id: first_id(text, limits), why: Invalid::BatchTooLarge })
        }
        outcome => outcome,
    }
}

type Item<'a> = Result<Call<'a>, Refused<'a>>;

const fn refused<'a>(why: Invalid) -> Refused<'a> {
    Refused { id: NULL_ID, why }
}

fn request<'a>(text: &'a str, limits: &ReadLimits) -> Result<Request<'a>, Refused<'a>> {
    let mut scanner = Scanner::new(text, limits);
    let request = if scanner.peek() == Some(b'[') {
        Request::Batch(batch(&mut scanner, limits)?)
    } else {
        Request::Single(item(&mut scanner, limits).map_err(refused)?)
    };
    scanner.end().map_err(refused)?;
    Ok(request)
}

fn batch<'a>(scanner: &mut Scanner<'a>, limits: &ReadLimits) -> Result<Vec<Item<'a>>, Refused<'a>> {
    scanner.enter().map_err(refused)?;
    if scanner.take(b']') {
        return Err(refused(Invalid::EmptyBatch));
    }
    let mut items = Vec::with_capacity(4);
    loop {
        if items.len() >= limits.items as usize {
            return Err(Refused { id: answer_id(items.first()), why: Invalid::BatchTooLarge });
        }
        items.push(item(scanner, limits).map_err(refused)?);
        if scanner.take(b']') {
            break;
        }
        if !scanner.take(b',') {
            return Err(refused(Invalid::Parse));
        }
    }
    scanner.leave();
    Ok(items)
}

/// The members of a request object, as found.
#[derive(Default)]
struct Envelope<'a> {
    version: Option<&'a str>,
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    /// A known member stood twice; whether it was the id is told apart, for the answer.
    twice: bool,
    id_twice: bool,
    repeated_param: bool,
    is_response: bool,
}

/// Reads one item; the outer error refuses the whole text.
fn item<'a>(scanner: &mut Scanner<'a>, limits: &ReadLimits) -> Result<Item<'a>, Invalid> {
    if scanner.peek() != Some(b'{') {
        scanner.value()?;
        return Ok(Err(refused(Invalid::NotARequest)));
    }
    let mut envelope = Envelope::default();
    scanner.enter()?;
    let mut members = 0;
    while !(members == 0 && scanner.take(b'}')) {
        members += 1;
        if members > limits.members {
            return Err(Invalid::TooComplex);
        }
        envelope.member(scanner)?;
        if scanner.take(b'}') {
            break;
        }
        if !scanner.take(b',') {
            return Err(Invalid::Parse);
        }
    }
    scanner.leave();
    Ok(envelope.call())
}

impl<'a> Envelope<'a> {
    fn member(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Invalid> {
        let name = scanner.member()?;
        let value = if name == "id" { scanner.id()? } else { scanner.value()? };
        let place = match name.as_ref() {
            "jsonrpc" => &mut self.version,
            "id" => {
                self.id_twice |= self.id.is_some();
                &mut self.id
            }
            "method" => &mut self.method,
            "params" => {
                self.repeated_param |= scanner.repeated;
                &mut self.params
            }
            "result" | "error" => {
                self.is_response = true;
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.twice |= place.replace(value).is_some();
        Ok(())
    }

    fn call(self) -> Item<'a> {
        let id = self.readable_id();
        let Some(known) = id else { return Err(refused(self.envelope_fault(Invalid::BadId))) };
        let refuse = |why| Err(Refused { id: known, why });
        let fault = self.envelope_fault(Invalid::Version);
        if fault != Invalid::Version || self.version.and_then(text).as_deref() != Some("2.0") {
            return refuse(fault);
        }
        let Some(method) = self.method.and_then(text) else { return refuse(Invalid::BadMethod) };
        if method.is_empty() || method.len() > METHOD_BYTES {
            return refuse(Invalid::BadMethod);
        }
        let params = self.params.filter(|raw| *raw != "null");
        if params.is_some_and(|raw| !raw.starts_with(['[', '{'])) {
            return refuse(Invalid::ScalarParams);
        }
        if self.repeated_param {
            return refuse(Invalid::DuplicateParam);
        }
        Ok(Call { id: known, method, params })
    }

    /// What is wrong with the object as such, else `otherwise`.
    fn envelope_fault(&self, otherwise: Invalid) -> Invalid {
        let empty = self.version.is_none() && self.method.is_none();
        if self.twice {
            return Invalid::DuplicateMember;
        }
        if self.is_response || (empty && self.id.is_none() && self.params.is_none()) {
            return Invalid::NotARequest;
        }
        otherwise
    }

    /// The id to answer under; `None` if there is one that cannot be echoed.
    fn readable_id(&self) -> Option<Id<'a>> {
        let Some(raw) = self.id else { return Some(Id::Missing) };
        let scalar = raw.starts_with(['"', '-', 'n']) || raw.as_bytes()[0].is_ascii_digit();
        (scalar && raw.len() <= ID_BYTES && !self.id_twice).then_some(Id::Raw(raw))
    }
}

/// The id that an answer to this item carries.
fn answer_id<'a>(item: Option<&Item<'a>>) -> Id<'a> {
    match item {
        Some(Ok(call)) => call.id,
        Some(Err(refused)) => refused.id,
        None => NULL_ID,
    }
}

/// Containers that are nested deeper are not looked through for a batch's commas.
const LENIENT_DEPTH: u32 = 1_024;

/// Whether a refused text is, by its commas, a batch over the limit. Lenient:
/// it looks at brackets and strings only, and stops at the limit.
fn overfull(text: &[u8], limits: &ReadLimits) -> bool {
    let Some(start) = text.iter().position(|byte| !byte.is_ascii_whitespace()) else {
        return false;
    };
    if text[start] != b'[' {
        return false;
    }
    let (mut depth, mut commas, mut at) = (0_u32, 0_u32, start);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'[' | b'{' if depth >= LENIENT_DEPTH => return false,
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth <= 1 => return false,
            b']' | b'}' => depth -= 1,
            b',' if depth == 1 => commas += 1,
            b'"' => at = string_end(text, at).unwrap_or(text.len()),
            _ => {}
        }
        if commas >= limits.items {
            return true;
        }
        at += usize::from(byte != b'"');
    }
    false
}

/// The id of a batch's first item, as far as the text can be read.
fn first_id<'a>(text: &'a [u8], limits: &ReadLimits) -> Id<'a> {
    let valid = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut scanner = Scanner::new(valid, limits);
    if scanner.peek() != Some(b'[') || scanner.enter().is_err() {
        return NULL_ID;
    }
    match item(&mut scanner, limits) {
        Ok(item) => answer_id(Some(&item)),
        Err(_) => NULL_ID,
    }
}

#[cfg(test)]
mod tests;
