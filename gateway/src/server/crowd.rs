//! Whether room is scarce, so that connections which are idle give way to new ones.
//!
//! The rule: while nine tenths of the places are taken, memory is short, or a connection
//! could not be accepted for want of file descriptors, an idle connection is kept [`Timing::crowded`]
//! (5 s) and no longer; so those that have been idle longest go first, and at once. It ends
//! when fewer than eight tenths are taken. Connections with a request in flight are spared.
//!
//! [`Timing::crowded`]: super::Timing::crowded

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use tokio::{sync::watch, time::sleep};

use crate::{pressure::Level, server::Options};

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Tells `crowd` for as long as it is polled; never ends.
pub(super) async fn watch(options: &Options, crowd: watch::Sender<bool>) {
    let traffic = options.traffic();
    let mut failed = 0;
    loop {
        sleep(LOOK).await;
        let failures = traffic.accept_errors.load(Relaxed);
        let out_of_files = failures > failed;
        failed = failures;
        let (open, cap) = (traffic.open.load(Relaxed), options.doors.load().connections);
        crowd.send_if_modified(|crowded| {
            let short = traffic.pressure.level() >= Level::NoKeepAlive;
            let next = out_of_files || short || is_crowded(*crowded, open, cap);
            std::mem::replace(crowded, next) != next
        });
    }
}

fn is_crowded(was: bool, open: usize, cap: usize) -> bool {
    let tenths = if was { 8 } else { 9 };
    open.saturating_mul(10) >= cap.saturating_mul(tenths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_crowded_from_nine_tenths_until_below_eight() {
        for (was, open, crowded) in [
            (false, 89, false),
            (false, 90, true),
            (false, 164, true),
            (true, 80, true),
            (true, 79, false),
        ] {
            assert_eq!(is_crowded(was, open, 100), crowded, "{was} {open}");
        }
    }
}
