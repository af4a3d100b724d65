//! The process as its kernel sees it, under the names that every Prometheus client
//! library uses. Linux only: elsewhere these families are not shown.

use std::{fs, str::FromStr};

use super::page::Page;

/// Ticks a second in `/proc`: `USER_HZ`, 100 on every architecture we build for
/// (`man 5 proc_pid_stat`).
const TICKS: f64 = 100.0;

/// What `/proc` says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Process {
    cpu_seconds: f64,
    /// After the boot.
    started: f64,
    threads: u64,
    resident_bytes: u64,
}

pub fn show(page: &mut Page) {
    if let Some(process) = read() {
        page.counter("process_cpu_seconds_total", "CPU time used, user and system.", |samples| {
            samples.add(&[], process.cpu_seconds);
        });
        page.gauge("process_resident_memory_bytes", "Memory in RAM.", |samples| {
            samples.count(&[], process.resident_bytes);
        });
        page.gauge("process_threads", "Threads.", |samples| samples.count(&[], process.threads));
        if let Some(boot) = boot_time() {
            page.gauge("process_start_time_seconds", "Start, in Unix time.", |samples| {
                samples.add(&[], boot + process.started);
            });
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // Reading the folder holds one itself.
        let open = open.count().saturating_sub(1);
        page.gauge("process_open_fds", "File descriptors open.", |samples| {
            samples.count(&[], open as u64);
        });
    }
    if let Ok((most, _)) = rlimit::Resource::NOFILE.get() {
        page.gauge("process_max_fds", "File descriptors allowed.", |samples| {
            samples.count(&[], most);
        });
    }
}

fn read() -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    parse(&stat, &status)
}

/// `stat`: the second field is a name in parentheses that may hold spaces; the third is
/// the first after it.
fn parse(stat: &str, status: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Process {
        cpu_seconds: (field(14)? + field(15)?) as f64 / TICKS,
        started: field(22)? as f64 / TICKS,
        threads: field(20)?,
        resident_bytes: value::<u64>(status, "VmRSS:")? * 1024,
    })
}

fn boot_time() -> Option<f64> {
    value(&fs::read_to_string("/proc/stat").ok()?, "btime")
}

/// The first word after a line's name.
fn value<T: FromStr>(text: &str, name: &str) -> Option<T> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_spaces_and_parentheses_moves_no_field() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 3 0 1234 5 6 7";
        let status = "Name:\ta b\nVmRSS:\t    2048 kB\nThreads:\t3\n";
        let expected =
            Process { cpu_seconds: 2.0, started: 12.34, threads: 3, resident_bytes: 2 << 20 };
        assert_eq!(parse(stat, status), Some(expected));
        assert_eq!(parse("", status), None);
        assert_eq!(parse(stat, ""), None);
    }
}
