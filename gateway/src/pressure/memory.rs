//! How much of the memory it may have is in use: of the tightest cgroup that this process is
//! in, version 2 or 1, nested ones included; where none has a limit, of the machine's.
//!
//! Page cache that the kernel would give back first does not count as used (what kubelet
//! calls the working set): a log written to disk is no pressure.

use std::{fs, path::Path};

/// Version 1 writes about this for "no limit": the largest multiple of a page.
const NO_LIMIT: u64 = 1 << 60;

/// The names that a version of cgroups has for the same things.
struct Names {
    mount: &'static str,
    limit: &'static str,
    usage: &'static str,
    reclaimable: &'static str,
}

const V2: Names = Names {
    mount: "sys/fs/cgroup",
    limit: "memory.max",
    usage: "memory.current",
    reclaimable: "inactive_file",
};
const V1: Names = Names {
    mount: "sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    reclaimable: "total_inactive_file",
};

/// Share of the memory in use, 0 to about 1. `root`: `/`, but for tests. `None` where the
/// system does not say: it is no Linux.
pub fn share(root: &Path) -> Option<f64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let shares = groups.lines().filter_map(|line| tightest(root, line));
    shares.max_by(f64::total_cmp).or_else(|| of_machine(root))
}

/// The greatest share of a group that a line of `/proc/self/cgroup` names, or of one around it.
fn tightest(root: &Path, line: &str) -> Option<f64> {
    let mut parts = line.splitn(3, ':');
    let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let names = match controllers {
        "" => &V2,
        v1 if v1.split(',').any(|name| name == "memory") => &V1,
        _ => return None,
    };
    let mount = root.join(names.mount);
    // In a container the path may be the host's: then there is only the mount itself.
    let within = Path::new(path.trim_start_matches('/'));
    let groups = within.ancestors().map(|group| mount.join(group));
    groups.filter_map(|group| of_group(&group, names)).max_by(f64::total_cmp)
}

fn of_group(group: &Path, names: &Names) -> Option<f64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let limit: u64 = read(names.limit)?.trim().parse().ok()?;
    if limit == 0 || limit >= NO_LIMIT {
        return None;
    }
    let usage: u64 = read(names.usage)?.trim().parse().ok()?;
    let stat = read("memory.stat").unwrap_or_default();
    let used = usage.saturating_sub(value(&stat, names.reclaimable).unwrap_or(0));
    Some(used as f64 / limit as f64)
}

/// Our own memory over the machine's: that others fill it is not helped by our refusing.
fn of_machine(root: &Path) -> Option<f64> {
    let total = value(&fs::read_to_string(root.join("proc/meminfo")).ok()?, "MemTotal:")?;
    let own = value(&fs::read_to_string(root.join("proc/self/status")).ok()?, "VmRSS:")?;
    (total > 0).then(|| own as f64 / total as f64)
}

/// The number behind a name at the beginning of a line.
fn value(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_ascii_whitespace);
    lines.find_map(|mut words| (words.next()? == name).then(|| words.next()?.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of a system with these files.
    fn check(name: &str, files: &[(&str, &str)], expected: Option<f64>) {
        let root = std::env::temp_dir().join(format!("headrace-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = share(&root);
        let _ = fs::remove_dir_all(&root);
        assert_eq!(found, expected, "{name}");
    }

    const MACHINE: [(&str, &str); 2] = [
        ("proc/meminfo", "MemTotal:   1000 kB\nMemFree: 1 kB\n"),
        ("proc/self/status", "Name:\tx\nVmRSS:\t   250 kB\n"),
    ];

    #[test]
    fn the_tightest_of_nested_groups_counts() {
        let files = [
            ("proc/self/cgroup", "0::/pod/box\n"),
            ("sys/fs/cgroup/pod/box/memory.max", "max\n"),
            ("sys/fs/cgroup/pod/box/memory.current", "900\n"),
            ("sys/fs/cgroup/pod/memory.max", "1000\n"),
            ("sys/fs/cgroup/pod/memory.current", "950\n"),
            ("sys/fs/cgroup/pod/memory.stat", "anon 1\ninactive_file 150\n"),
        ];
        check("nested", &files, Some(0.8));
    }

    #[test]
    fn in_a_container_the_mount_itself_is_the_group() {
        let files = [
            ("proc/self/cgroup", "0::/../../host/path\n"),
            ("sys/fs/cgroup/memory.max", "200\n"),
            ("sys/fs/cgroup/memory.current", "100\n"),
        ];
        check("container", &files, Some(0.5));
    }

    #[test]
    fn version_1_is_read_by_its_own_names() {
        let files = [
            ("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n1:name=systemd:/a\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "400\n"),
            ("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "400\n"),
            ("sys/fs/cgroup/memory/a/memory.stat", "inactive_file 7\ntotal_inactive_file 100\n"),
        ];
        check("v1", &files, Some(0.75));
    }

    #[test]
    fn without_a_limit_it_is_our_share_of_the_machine() {
        let unlimited = [
            ("proc/self/cgroup", "4:memory:/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n"),
        ];
        let files: Vec<_> = unlimited.iter().chain(&MACHINE).copied().collect();
        check("unlimited", &files, Some(0.25));
        check("no-groups", &MACHINE, Some(0.25));
        check("nothing", &[("proc/version", "")], None);
    }
}
