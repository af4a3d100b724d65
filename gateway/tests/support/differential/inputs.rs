//! Inputs: the rows of bad heads, and heads put together from parts that parsers are known
//! to disagree about.

use crate::rows_http;

/// The request behind each input: it shows where a server thinks that the input ends.
pub const MARKER: &[u8] = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// A call with this id.
fn call(id: usize) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"web3_clientVersion","params":[]}}"#)
}

/// The call that an answer belongs to, by its id.
pub fn call_of_answer(answer: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    call(usize::try_from(answer["id"].as_u64().unwrap()).unwrap())
}

pub fn all() -> Vec<Vec<u8>> {
    let mut inputs: Vec<Vec<u8>> = rows_http::rows().into_iter().map(|row| row.input).collect();
    let lengths = [
        "",
        "L: N\r\n",
        "L:N\r\n",
        "L: 0N\r\n",
        "L: +N\r\n",
        "L: N\r\nL: N\r\n",
        "L: N, N\r\n",
        "L: 0\r\n",
        "L: N\r\nL: 0\r\n",
        "L : N\r\n",
        "L: N \r\n",
        "L:\tN\r\n",
        "L: N\n",
        " L: N\r\n",
        "L: 0xN\r\n",
        "L_: N\r\n",
    ];
    let codings = [
        "",
        "T: chunked\r\n",
        "T: Chunked\r\n",
        "T:chunked\r\n",
        "T: chunked\r\nT: identity\r\n",
        "T: identity\r\n",
        "T: chunked, identity\r\n",
        "T: \"chunked\"\r\n",
        "T: xchunked\r\n",
        "T:\tchunked\r\n",
        "T: chunked \r\n",
        "T : chunked\r\n",
        "T: gzip, chunked\r\n",
        "T: chunked;q=1\r\n",
        "T_: chunked\r\n",
        "T:\r\n chunked\r\n",
        "T: \x0bchunked\r\n",
        "T: chunked\n",
    ];
    for (at, length) in lengths.iter().enumerate() {
        for coding in codings {
            let id = at + 1;
            inputs.push(request(id, length, coding, "HTTP/1.1"));
        }
    }
    for version in ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/01.1", "HTTP/1.10"] {
        inputs.push(request(1, lengths[1], "", version));
        inputs.push(request(1, "", codings[1], version));
    }
    inputs.extend(chunks());
    inputs
}

/// A call whose framing is told by `length` and `coding`; where the coding may be taken for
/// chunks the body is in chunks.
fn request(id: usize, length: &str, coding: &str, version: &str) -> Vec<u8> {
    let text = call(id);
    let body = if coding.is_empty() {
        text.clone()
    } else {
        format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len())
    };
    let length = length.replace("L_", "Content_Length").replace('L', "Content-Length");
    let length = length.replace('N', &body.len().to_string());
    let coding = coding.replace("T_", "Transfer_Encoding").replace('T', "Transfer-Encoding");
    format!(
        "POST /eth {version}\r\nHost: a\r\nContent-Type: application/json\r\n{length}{coding}\r\n{body}"
    )
    .into_bytes()
}

/// Bodies whose chunks are written in odd ways.
fn chunks() -> Vec<Vec<u8>> {
    let text = call(1);
    let size = format!("{:x}", text.len());
    let bodies = [
        format!("{size}\r\n{text}\r\n0\r\n\r\n"),
        format!("0{size}\r\n{text}\r\n0\r\n\r\n"),
        format!("{size};a=b\r\n{text}\r\n0\r\n\r\n"),
        format!("{size} ;a=b\r\n{text}\r\n0\r\n\r\n"),
        format!("{size};a=\"\n\"\r\n{text}\r\n0\r\n\r\n"),
        format!("{size}\n{text}\r\n0\r\n\r\n"),
        format!("{size}\r\n{text}\n0\r\n\r\n"),
        format!("{size}\r\n{text}0\r\n\r\n"),
        format!("{size}\r\n{text}\r\n0\r\nX-A: b\r\n\r\n"),
        format!("{size}\r\n{text}\r\n0\r\nContent-Length: 5\r\n\r\n"),
        format!("{size}\r\n{text}\r\n0\n\n"),
        format!("{size}\r\n{text}\r\n00\r\n\r\n"),
        format!("0x{size}\r\n{text}\r\n0\r\n\r\n"),
        format!("+{size}\r\n{text}\r\n0\r\n\r\n"),
        format!(" {size}\r\n{text}\r\n0\r\n\r\n"),
        format!("1{size:0>16}\r\n{text}\r\n0\r\n\r\n"),
        format!("{size}\r\r\n{text}\r\n0\r\n\r\n"),
    ];
    let head = "POST /eth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    bodies.iter().map(|body| format!("{head}{body}").into_bytes()).collect()
}
