//! How many calls a node may hold at once, learned from its answers: pure, `now` is an
//! argument.
//!
//! A gradient limiter: what answers take now, against what they take where the limit is
//! not what holds calls back, kind of work by kind of work, so that a change of the mix is
//! not taken for overload. It grows while at least half of it is used. It shrinks only
//! where it is what holds calls back, and **a shrink must prove itself**: unless fewer calls
//! at once make the node clearly faster, the limit goes back and the slower pace becomes
//! the usual one. So noise, slow methods and slow disks take nothing from a node that has
//! room. Under standing use the same trial is made now and then unasked, for what is usual
//! may have been learned in a crowd. A node that asks for less, or loses the tip under its
//! calls, gets less at once.
//!
//! Counted in calls, not in method weights: weights are prices, and what a node runs out of
//! is threads, connections and disk queues, which calls hold one by one.
//!
//! Deliberately not here: how slow a node is beside others (`load`, `route`).

use std::time::Duration;

use crate::{clock::Timestamp, method::Lane};

/// The limit of a node that nothing is known of.
pub const START: u32 = 64;
/// Never less, so that a node that recovers is noticed.
pub const LEAST: u32 = 4;
/// Never more, where the node has no `max_in_flight`.
pub const MOST: u32 = 1_024;
/// Heavy calls of one node at once: a trace takes a core and a disk of most nodes for
/// seconds, and a third one only slows the first two, and the cheap reads beside them.
pub const HEAVY: u32 = 2;
/// A node that came back holds a tenth of its limit, rising to all of it over this time.
pub const RAMP: Duration = Duration::from_secs(10);

/// Answers this many times slower than usual are a queue inside the node. As many calls
/// again as it works on may wait there: less would leave it idle between two calls.
const TOLERATED: f32 = 2.0;
/// No trial cuts deeper: the next one follows soon.
const DEEPEST: f32 = 0.5;
/// A milder cut proves nothing that noise does not prove too.
const MILDEST: f32 = 0.8;
/// On a sign of overload.
const BACK_OFF: f32 = 0.7;
/// Signs within this time are of the same overload.
const SAME_SIGN: Duration = Duration::from_millis(250);
/// A node that lost the tip under its calls gets no more of them for so long.
const HELD: Duration = Duration::from_secs(2);
/// A sample counts for so many times the usual at most: one hung call is no crowd.
const CAPPED: f32 = 16.0;
/// Answers of a lane before its usual time is known.
const FIRST: u32 = 8;
/// The unasked trial comes after this time of standing use, later after each that was in vain.
const TRIAL_FIRST: Duration = Duration::from_secs(2);
const TRIAL_LAST: Duration = Duration::from_secs(60);

/// A window is over with this many answers in this time: fewer where answers are rare.
const ENOUGH: [(u32, Duration); 3] = [
    (48, Duration::from_millis(100)),
    (16, Duration::from_millis(500)),
    (8, Duration::from_millis(2_000)),
];

/// A trial is judged by so many times the answers of a window: waits in a queue are much alike
/// for a while, and say less than their number.
const JUDGED: u32 = 3;
/// No trial raises what is usual by more: one that noise has spoilt must not run away with it.
const RAISED: f32 = 1.5;

/// One answer, as the rule sees it.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub lane: Lane,
    pub took: Duration,
    /// Calls in flight just before it came, itself included; heavy ones aside.
    pub in_flight: u32,
}

/// Answers of one lane in a window.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    answers: u32,
    nanos: f32,
}

impl Tally {
    fn mean(self) -> f32 {
        self.nanos / self.answers.max(1) as f32
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    since: Timestamp,
    answers: u32,
    /// Sum of the answers' times, each over its lane's usual one.
    slowness: f32,
    in_flight: f32,
    lanes: [Tally; Lane::ALL.len()],
}

/// The limit before a trial, and how slow the node was under it.
#[derive(Clone, Copy, Debug)]
struct Trial {
    limit: f32,
    slowness: f32,
    /// Goes on for as long as it helps: what is usual is not known for sure.
    unasked: bool,
}

/// One node's limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    most: f32,
    heavy_most: u32,
    limit: f32,
    /// By lane, in nanoseconds: what an answer usually takes; 0: unknown.
    usual: [f32; Lane::ALL.len()],
    window: Window,
    trial: Option<Trial>,
    /// Time between two answers in the last window.
    gap: Duration,
    /// Until all that was in flight at the last cut is answered, answers tell of the limit
    /// before it. All of them are passed over, not only those to older calls, or the quick
    /// ones would be counted first.
    settled: Timestamp,
    backed_off: Option<Timestamp>,
    /// No growth, and one heavy call, before this.
    held_until: Timestamp,
    /// Since when the limit holds calls back without a trial.
    standing: Option<Timestamp>,
    next_trial: Duration,
    /// Blocks by which the node was behind when last looked at.
    lag: u64,
}

impl Limit {
    /// `most`: the node's `max_in_flight`. `heavy_most`: heavy calls at once.
    pub fn new(most: Option<u32>, heavy_most: u32) -> Self {
        let most = most.unwrap_or(MOST).max(1);
        Self {
            most: most as f32,
            heavy_most: heavy_most.clamp(1, most),
            limit: START.min(most) as f32,
            usual: [0.0; Lane::ALL.len()],
            window: Window::default(),
            trial: None,
            gap: Duration::ZERO,
            settled: Timestamp::ZERO,
            backed_off: None,
            held_until: Timestamp::ZERO,
            standing: None,
            next_trial: TRIAL_FIRST,
            lag: 0,
        }
    }

    /// Calls that are not heavy.
    pub fn calls(&self) -> u32 {
        (self.limit as u32).max(1)
    }

    pub fn heavy(&self, now: Timestamp) -> u32 {
        if now < self.held_until { 1 } else { self.heavy_most }
    }

    /// An answer, or a call given up for its time. Returns whether the limit changed.
    pub fn on_answer(&mut self, now: Timestamp, sample: Sample) -> bool {
        let nanos = sample.took.as_nanos() as f32;
        let lane = sample.lane as usize;
        if now < self.settled {
            return false;
        }
        let tally = &mut self.window.lanes[lane];
        (tally.answers, tally.nanos) = (tally.answers + 1, tally.nanos + nanos);
        if self.usual[lane] <= 0.0 {
            if tally.answers >= FIRST {
                self.usual[lane] = tally.mean().max(1.0);
            }
            return false;
        }
        if self.window.answers == 0 {
            self.window.since = now;
        }
        self.window.answers += 1;
        self.window.slowness += (nanos / self.usual[lane]).min(CAPPED);
        self.window.in_flight += sample.in_flight as f32;
        let lasted = now.since(self.window.since);
        let times = if self.trial.is_some() { JUDGED } else { 1 };
        let over = |&(answers, time): &(u32, Duration)| {
            self.window.answers >= answers * times && lasted >= time
        };
        if !ENOUGH.iter().any(over) {
            return false;
        }
        let before = self.calls();
        self.close(now);
        self.calls() != before
    }

    /// Looks at a whole window.
    fn close(&mut self, now: Timestamp) {
        let Window { since, answers, slowness, in_flight, lanes } =
            std::mem::take(&mut self.window);
        let (slowness, used) = (slowness / answers as f32, in_flight / answers as f32 / self.limit);
        self.gap = now.since(since) / answers.max(1);
        if let Some(trial) = self.trial.take() {
            return self.judge(now, trial, slowness, &lanes);
        }
        self.learn(&lanes, used);
        if used < 0.8 {
            self.standing = None;
        }
        if used >= 0.95 && self.is_due(now) {
            return self.try_less(now, DEEPEST, slowness, true);
        }
        if used >= 0.8 && slowness > TOLERATED {
            let cut = (TOLERATED / slowness).max(DEEPEST);
            return self.try_less(now, cut, slowness, false);
        }
        if used >= 0.5 && now >= self.held_until {
            self.set(now, self.limit + self.limit.sqrt(), false);
        }
    }

    /// Whether calls have been held back for long enough to ask again what is usual.
    fn is_due(&mut self, now: Timestamp) -> bool {
        let since = *self.standing.get_or_insert(now);
        let due = now.since(since) >= self.next_trial;
        if due {
            self.standing = None;
        }
        due
    }

    fn try_less(&mut self, now: Timestamp, cut: f32, slowness: f32, unasked: bool) {
        let before = self.limit;
        self.set(now, before * cut, true);
        if self.limit <= before * MILDEST {
            self.trial = Some(Trial { limit: before, slowness, unasked });
        }
    }

    /// Where the queue was inside the node, half the calls wait half as long there.
    fn judge(&mut self, now: Timestamp, trial: Trial, slowness: f32, lanes: &[Tally]) {
        let share = self.limit / trial.limit;
        let helped = slowness <= trial.slowness * (1.0 + share) / 2.0;
        if helped {
            self.next_trial = TRIAL_FIRST;
        } else {
            if trial.unasked {
                self.next_trial = (self.next_trial * 2).min(TRIAL_LAST);
            }
            self.set(now, trial.limit, true);
        }
        for (usual, tally) in self.usual.iter_mut().zip(lanes).filter(|(_, t)| t.answers >= FIRST) {
            *usual = if helped {
                usual.min(tally.mean())
            } else {
                usual.max(tally.mean().min(*usual * RAISED))
            };
        }
        if helped && trial.unasked {
            self.try_less(now, DEEPEST, slowness, true);
        }
    }

    /// What is usual follows what is seen; upwards only where the limit holds nobody back.
    fn learn(&mut self, lanes: &[Tally], used: f32) {
        for (usual, tally) in self.usual.iter_mut().zip(lanes) {
            let may = tally.answers >= FIRST && (used < 0.5 || tally.mean() < *usual);
            if may {
                *usual += (tally.mean() - *usual) * if used < 0.5 { 0.1 } else { 0.25 };
            }
        }
    }

    /// `apart`: answers from before tell nothing of it.
    fn set(&mut self, now: Timestamp, limit: f32, apart: bool) {
        let least = (LEAST as f32).min(self.most);
        let before = std::mem::replace(&mut self.limit, limit.clamp(least, self.most));
        if apart {
            self.settled = now + self.gap.mul_f32(before);
            self.window = Window::default();
        }
    }

    /// The node asked for less, or had no connection left for a call that began at `began`.
    pub fn on_overload(&mut self, now: Timestamp, began: Timestamp) {
        let same = self.backed_off.is_some_and(|at| now.since(at) < SAME_SIGN || began < at);
        if same {
            return;
        }
        self.backed_off = Some(now);
        self.trial = None;
        self.set(now, self.limit * BACK_OFF, true);
    }

    /// A probe has shown how far the node is behind the tip; `fresh`: blocks within which it
    /// counts as at the tip. Falling back under many calls, it gets fewer with each look until
    /// it catches up.
    pub fn on_lag(&mut self, now: Timestamp, lag: u64, fresh: u64, in_flight: u32) {
        let before = std::mem::replace(&mut self.lag, lag);
        if lag <= fresh || lag < before {
            return;
        }
        let busy = in_flight as f32 >= self.limit / 2.0;
        let was_held = now < self.held_until;
        if busy || was_held {
            self.held_until = now + HELD;
        }
        if busy && (lag > before || was_held) {
            self.on_overload(now, now);
        }
    }

    /// Takes over what was learned of the same node under other settings.
    pub fn adopt(&mut self, old: &Self) {
        self.usual = old.usual;
        self.limit = old.limit.min(self.most);
    }

    /// The node is another one now: what was usual is not.
    pub fn on_return(&mut self) {
        *self = Self { limit: self.limit, ..Self::new(Some(self.most as u32), self.heavy_most) };
    }
}

/// Of a limit, what a node holds that came back `ago`: a tenth at first.
pub fn ramped(limit: u32, ago: Duration) -> u32 {
    if ago >= RAMP {
        return limit;
    }
    let share = 0.1 + 0.9 * ago.as_secs_f32() / RAMP.as_secs_f32();
    ((limit as f32 * share) as u32).max(LEAST.min(limit))
}

#[cfg(test)]
mod tests;
