//! Stands in for a node: passes on what it is sent, and answers one method itself,
//! in words that no simulated node has.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::control::Control;

/// The method that is answered here.
pub const METHOD: &str = "eth_gasPrice";

#[derive(Clone, Default)]
pub struct StandIn {
    /// The reply's text; `ID` is the id of the call.
    pub reply: Arc<Mutex<String>>,
    /// The texts of the calls that were answered here.
    pub heard: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    /// Starts before the node at `url`; gives its own address.
    pub fn start(&self, control: &Control, url: String) -> String {
        let this = self.clone();
        control.run(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(this.clone().serve(stream, url.clone()));
                }
            });
            format!("http://{address}")
        })
    }

    async fn serve(self, mut client: TcpStream, url: String) {
        let mut node = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
        while let Some(request) = message(&mut client).await {
            let reply = if request.contains(METHOD) {
                self.answer(&request)
            } else {
                node.write_all(request.as_bytes()).await.unwrap();
                message(&mut node).await.unwrap()
            };
            if client.write_all(reply.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &str) -> String {
        let (_, call) = request.split_once("\r\n\r\n").unwrap();
        self.heard.lock().unwrap().push(call.to_owned());
        // The gateway writes its calls with the id second and the method after it.
        let id = call.split("\"id\":").nth(1).and_then(|rest| rest.split(',').next());
        let text = self.reply.lock().unwrap().replace("ID", id.unwrap());
        let length = text.len();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{text}"
        )
    }
}

/// Head and body of the next message; `None` at the end.
async fn message(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let field = |line: &str| {
                let (name, value) = line.split_once(':')?;
                let found = name.eq_ignore_ascii_case("content-length");
                found.then(|| value.trim().parse::<usize>().unwrap())
            };
            if body.len() >= head.lines().find_map(field).unwrap_or_default() {
                return Some(text);
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => text.push_str(&String::from_utf8_lossy(&piece[..length])),
        }
    }
}
