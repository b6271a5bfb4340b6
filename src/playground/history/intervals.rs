//! A set of offsets as few intervals: what was acknowledged, what was read.

/// Offsets, as disjoint half-open intervals in rising order. A log that is read in order is a single one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intervals(Vec<(i64, i64)>);

/// More holes than this are not kept apart: the two lowest intervals become one.
const MOST: usize = 4_096;

impl Intervals {
    /// Adds `from..to`.
    pub fn add(&mut self, from: i64, to: i64) {
        if from >= to {
            return;
        }
        // The common case: the next offsets of a log that is read in order.
        if let Some(last) = self.0.last_mut()
            && last.1 == from
        {
            last.1 = to;
            return;
        }
        let start = self.0.partition_point(|(_, end)| *end < from);
        let end = self.0.partition_point(|(begin, _)| *begin <= to);
        let joined = self.0[start..end].iter().fold((from, to), |(a, b), (c, d)| (a.min(*c), b.max(*d)));
        self.0.splice(start..end, [joined]);
        if self.0.len() > MOST {
            let (first, _) = self.0.remove(0);
            self.0[0].0 = first;
        }
    }

    /// Adds all of another set.
    pub fn add_all(&mut self, other: &Intervals) {
        other.0.iter().for_each(|(from, to)| self.add(*from, *to));
    }

    /// One more than the highest offset.
    pub fn end(&self) -> Option<i64> {
        self.0.last().map(|(_, end)| *end)
    }

    /// What of this lies in `from..to` and not in `other`.
    pub fn without(&self, other: &Intervals, from: i64, to: i64) -> Vec<(i64, i64)> {
        let mut found = Vec::new();
        for (begin, end) in &self.0 {
            let (mut begin, end) = (*begin.max(&from), *end.min(&to));
            let skip = other.0.partition_point(|(_, end)| *end <= begin);
            for (a, b) in &other.0[skip..] {
                if *a >= end {
                    break;
                }
                if *a > begin {
                    found.push((begin, *a));
                }
                begin = begin.max(*b);
            }
            if begin < end {
                found.push((begin, end));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_and_subtracts() {
        let mut set = Intervals::default();
        for (from, to) in [(10, 20), (30, 40), (20, 25), (0, 5), (24, 31), (50, 50)] {
            set.add(from, to);
        }
        assert_eq!(set.0, [(0, 5), (10, 40)]);
        let mut read = Intervals::default();
        read.add(12, 15);
        read.add(38, 60);
        assert_eq!(set.without(&read, 0, 100), [(0, 5), (10, 12), (15, 38)]);
        assert_eq!(set.without(&read, 11, 20), [(11, 12), (15, 20)]);
        assert_eq!((set.end(), read.end()), (Some(40), Some(60)));
    }

    #[test]
    fn is_bounded() {
        let mut set = Intervals::default();
        for i in 0..10_000 {
            set.add(i * 2, i * 2 + 1);
        }
        assert_eq!(set.0.len(), MOST);
        assert_eq!(set.0[0].0, 0);
    }
}
