//! The operators' port: metrics, probes and the API, apart from the data port.
//!
//! It answers nobody's web page (any `Origin` is refused, and any Host that a
//! page could have rebound), and with a token configured everything but the
//! probes asks for it (S27, S28). What the pages say is given to it.
