//! A client of the gateway: one connection, one call at a time, everything it got.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// No call may take longer, whatever the machine does meanwhile.
const MOST: Duration = Duration::from_secs(60);

pub struct Client {
    requests: SendRequest<Full<Bytes>>,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: usize,
    pub json: Value,
}

impl Client {
    pub async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        let (requests, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { requests }
    }

    /// Calls `method` with the params' JSON text.
    pub async fn call(&mut self, method: &str, params: &str) -> Reply {
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#);
        self.send(body).await
    }

    pub async fn send(&mut self, body: String) -> Reply {
        timeout(MOST, self.exchange(body)).await.unwrap()
    }

    async fn exchange(&mut self, body: String) -> Reply {
        self.requests.ready().await.unwrap();
        let request = Request::post("/eth")
            .header(header::HOST, "gateway")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.into()))
            .unwrap();
        let response = self.requests.send_request(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes)
            .unwrap_or_else(|bad| panic!("{bad}: {}", String::from_utf8_lossy(&bytes)));
        Reply { status, headers, bytes: bytes.len(), json }
    }
}

impl Reply {
    /// The result, which there must be.
    pub fn result(&self) -> &Value {
        self.json.get("result").unwrap_or_else(|| panic!("no result: {self:?}"))
    }

    /// A result that is a text.
    pub fn text(&self) -> &str {
        self.result().as_str().unwrap_or_else(|| panic!("no text: {self:?}"))
    }

    /// A result that is a hex quantity.
    pub fn quantity(&self) -> u128 {
        quantity(self.result())
    }

    pub fn code(&self) -> i64 {
        self.json["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {self:?}"))
    }

    /// The gateway's own reason; empty for anything else.
    pub fn reason(&self) -> &str {
        self.json["error"]["data"]["reason"].as_str().unwrap_or_default()
    }

    /// Status, code and reason of a refusal by the gateway.
    pub fn refusal(&self) -> (u16, i64, &str) {
        (self.status.as_u16(), self.code(), self.reason())
    }

    /// Which node answered.
    pub fn node(&self) -> &str {
        self.headers.get("x-headrace-node").map_or("", |name| name.to_str().unwrap())
    }
}

pub fn quantity(value: &Value) -> u128 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let digits = digits.unwrap_or_else(|| panic!("no quantity: {value}"));
    u128::from_str_radix(digits, 16).unwrap()
}
