//! Work spread over threads whose outcome does not depend on how many there are.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `work(0)` to `work(count - 1)` in order, done by up to `threads` threads.
pub(super) fn parallel<T: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<T>>> = Mutex::new((0..count).map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            scope.spawn(|| {
                loop {
                    let k = next.fetch_add(1, Ordering::Relaxed);
                    if k >= count {
                        return;
                    }
                    let outcome = work(k);
                    if let Ok(mut done) = done.lock() {
                        done[k] = Some(outcome);
                    }
                }
            });
        }
    });
    let done = done
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    done.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn order_is_kept_whatever_the_threads() {
        for threads in [0, 1, 3, 50] {
            let squares = super::parallel(20, threads, |k| k * k);
            assert_eq!(squares, (0..20).map(|k| k * k).collect::<Vec<_>>());
        }
        assert!(super::parallel(0, 2, |k| k).is_empty());
    }
}
