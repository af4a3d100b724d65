//! `loadtest`: the load-test harness of Headrace.

use std::process::ExitCode;

fn main() -> ExitCode {
    headrace_loadtest::cli::main()
}
