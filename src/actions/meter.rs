//! How far something long is, as people read it: bytes, rate, time left.

use std::time::Duration;

use tokio::time::Instant;

use super::{Context, Progress};

/// Between two words on the screen.
pub(super) const WORD: Duration = Duration::from_millis(500);

/// Watches bytes go by.
pub(super) struct Meter {
    what: String,
    all: u64,
    /// The bytes that were there before this attempt began.
    before: u64,
    began: Instant,
    told: Option<Instant>,
}

impl Meter {
    /// Of `what`, such as `downloading shop.sql.gz`: `all` bytes, of which `before` are there.
    pub(super) fn new(what: impl Into<String>, before: u64, all: u64) -> Self {
        Self { what: what.into(), all, before, began: Instant::now(), told: None }
    }

    /// Tells the operator, not too often; `trouble` is why nothing comes.
    pub(super) fn tell(&mut self, cx: &Context, done: u64, trouble: Option<String>) {
        if self.told.is_some_and(|told| told.elapsed() < WORD) {
            return;
        }
        self.told = Some(Instant::now());
        let message = cx.redactor.clean(self.words(done, self.began.elapsed(), trouble));
        let fraction = (self.all > 0).then(|| done as f64 / self.all as f64);
        // A full channel is no reason to wait: the next word tells more.
        let _ = cx.progress.try_send(Progress::Status { message, fraction });
    }

    /// Seconds since it began.
    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn words(&self, done: u64, elapsed: Duration, trouble: Option<String>) -> String {
        let how_far = format!("{}: {} of {}", self.what, size(done), size(self.all));
        if let Some(trouble) = trouble {
            return format!("{how_far}, waiting: {trouble}");
        }
        let rate = done.saturating_sub(self.before) as f64 / elapsed.as_secs_f64().max(0.001);
        if elapsed < Duration::from_secs(1) || rate < 1.0 {
            return how_far;
        }
        let left = Duration::from_secs_f64(self.all.saturating_sub(done) as f64 / rate);
        format!("{how_far}, {}/s, {} left", size(rate as u64), clock(left))
    }
}

/// Bytes as people read them: `831 bytes`, `1.2 GiB`.
pub(super) fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = units[0];
    for larger in &units[1..] {
        // What would be written as 1024.0 belongs to the next unit.
        if amount < 1023.95 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    format!("{amount:.1} {unit}")
}

/// `42 s`, `3:07`, `1:02:45`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Meter, clock, size};

    #[test]
    fn sizes_are_in_the_unit_that_people_would_use() {
        let all = [0, 1023, 1024, 1_048_524, 1_048_576, 1_300_000_000, 5 << 40, 5000 << 40];
        let texts = all.map(size).join(", ");
        assert_eq!(
            texts,
            "0 bytes, 1023 bytes, 1.0 KiB, 1023.9 KiB, 1.0 MiB, 1.2 GiB, 5.0 TiB, 5000.0 TiB"
        );
    }

    #[test]
    fn the_rate_counts_only_what_this_attempt_brought() {
        let meter = Meter::new("downloading a", 100 << 20, 300 << 20);
        let words = meter.words(200 << 20, Duration::from_secs(10), None);
        assert_eq!(words, "downloading a: 200.0 MiB of 300.0 MiB, 10.0 MiB/s, 10 s left");
        let words = meter.words(200 << 20, Duration::from_secs(10), Some("refused".into()));
        assert_eq!(words, "downloading a: 200.0 MiB of 300.0 MiB, waiting: refused");
        let words = meter.words(100 << 20, Duration::from_secs(10), None);
        assert_eq!(words, "downloading a: 100.0 MiB of 300.0 MiB");
        assert_eq!(
            [42, 187, 3765].map(|s| clock(Duration::from_secs(s))).join(" "),
            "42 s 3:07 1:02:45"
        );
    }
}
