//! Who is next: a queue with priorities that hands out what can be done together.

/// Something that waits.
struct Entry<K, T> {
    priority: i32,
    key: K,
    item: T,
}

/// Items by priority, the highest first, first come first served among equals. Low priorities wait as long as higher
/// ones keep coming: that is what priorities say.
pub(super) struct Queue<K, T> {
    /// In the order in which they will be served.
    waiting: Vec<Entry<K, T>>,
}

impl<K, T> Default for Queue<K, T> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
        }
    }
}

impl<K: PartialEq, T> Queue<K, T> {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds an item behind those of its priority. Items of equal keys can be taken together; `None` goes alone.
    pub fn push(&mut self, priority: i32, key: K, item: T) {
        let at = self.waiting.partition_point(|e| e.priority >= priority);
        let entry = Entry {
            priority,
            key,
            item,
        };
        self.waiting.insert(at, entry);
    }

    /// Puts an item back before those of its priority.
    pub fn push_front(&mut self, priority: i32, key: K, item: T) {
        let at = self.waiting.partition_point(|e| e.priority > priority);
        let entry = Entry {
            priority,
            key,
            item,
        };
        self.waiting.insert(at, entry);
    }

    /// Takes out what need not wait any longer.
    pub fn extract(&mut self, mut over: impl FnMut(&T) -> bool) -> Vec<T> {
        let gone = self.waiting.extract_if(.., |e| over(&e.item));
        gone.map(|e| e.item).collect()
    }

    /// Takes the next item and up to `most` - 1 others of the same priority and key, `together` permitting.
    pub fn take(&mut self, most: usize, together: impl Fn(&K) -> bool) -> Vec<(i32, T)> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let first = self.waiting.remove(0);
        let mut taken = Vec::new();
        if together(&first.key) {
            let mut room = most.saturating_sub(1);
            let rest = self.waiting.extract_if(.., |e| {
                let joins = room > 0 && e.priority == first.priority && e.key == first.key;
                room -= usize::from(joins);
                joins
            });
            taken.extend(rest.map(|e| (e.priority, e.item)));
        }
        taken.insert(0, (first.priority, first.item));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(items: &[(i32, Option<u8>, &'static str)]) -> Queue<Option<u8>, &'static str> {
        let mut queue = Queue::default();
        for (priority, key, item) in items {
            queue.push(*priority, *key, *item);
        }
        queue
    }

    fn take(queue: &mut Queue<Option<u8>, &'static str>, most: usize) -> Vec<&'static str> {
        let taken = queue.take(most, Option::is_some);
        taken.into_iter().map(|(_, item)| item).collect()
    }

    #[test]
    fn the_highest_priority_first_then_the_earliest() {
        let mut queue = queue(&[
            (0, None, "a"),
            (5, None, "b"),
            (0, None, "c"),
            (5, None, "d"),
            (-1, None, "e"),
            (i32::MAX, None, "f"),
        ]);
        let mut served = Vec::new();
        while !queue.is_empty() {
            served.extend(take(&mut queue, 8));
        }
        assert_eq!(served, ["f", "b", "d", "a", "c", "e"]);
        assert!(take(&mut queue, 8).is_empty());
    }

    #[test]
    fn a_batch_is_of_one_key_and_one_priority_and_no_larger_than_allowed() {
        let items = [
            (1, Some(1), "a"),
            (0, Some(1), "b"),
            (1, Some(2), "c"),
            (1, Some(1), "d"),
            (1, None, "e"),
            (1, Some(1), "f"),
        ];
        let mut few = queue(&items);
        assert_eq!(take(&mut few, 2), ["a", "d"]);
        assert_eq!(take(&mut few, 2), ["c"]);
        assert_eq!(take(&mut few, 2), ["e"], "alone");
        assert_eq!(take(&mut few, 2), ["f"], "the other of its key waits lower");
        assert_eq!(take(&mut few, 2), ["b"]);
        assert_eq!(take(&mut queue(&items), 8), ["a", "d", "f"]);
        assert_eq!(take(&mut queue(&items), 1), ["a"]);
        assert_eq!(take(&mut queue(&items), 0), ["a"], "never none");
    }

    #[test]
    fn what_is_put_back_is_next_among_its_equals() {
        let mut queue = queue(&[(1, None, "a"), (0, None, "b")]);
        queue.push_front(0, None, "c");
        queue.push_front(1, None, "d");
        let served: Vec<_> = (0..4).flat_map(|_| take(&mut queue, 1)).collect();
        assert_eq!(served, ["d", "a", "c", "b"]);
    }

    #[test]
    fn what_is_over_leaves_and_the_rest_keeps_its_order() {
        let mut queue = queue(&[
            (0, None, "a"),
            (3, None, "x"),
            (0, None, "b"),
            (0, None, "y"),
        ]);
        assert_eq!(queue.extract(|item| ["x", "y"].contains(item)), ["x", "y"]);
        let served: Vec<_> = (0..2).flat_map(|_| take(&mut queue, 1)).collect();
        assert_eq!(served, ["a", "b"]);
    }
}
