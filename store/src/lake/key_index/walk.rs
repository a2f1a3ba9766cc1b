//! Counting rows and finding them, by descents.

use std::ops::Range;

use super::{
    END, KeyIndex, Nodes, RunKey,
    node::{Child, Children, Runs, Senseless, decompressed},
};

/// The runs of a file that a filter chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Ranges of keys in order, not touching.
    pub(crate) keys: Vec<Range<RunKey>>,
    /// Of these only the runs of one usage type.
    pub(crate) usage_type: Option<u16>,
}

/// Rows that were looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The rows in order, ranges that touch joined.
    pub(crate) ranges: Vec<Range<u64>>,
    /// The number among the chosen rows of the first one behind them.
    pub(crate) through: u64,
}

impl KeyIndex {
    /// Counts the chosen rows.
    pub(crate) fn count<N: Nodes>(&self, choice: &Choice, nodes: &N) -> Result<u64, N::Error> {
        let none = u64::MAX..u64::MAX;
        Ok(self.find(choice, none, usize::MAX, nodes)?.through)
    }

    /// Finds of the chosen rows those number `wanted`, as far as `most` ranges reach.
    pub(crate) fn find<N: Nodes>(
        &self,
        choice: &Choice,
        wanted: Range<u64>,
        most: usize,
        nodes: &N,
    ) -> Result<Found, N::Error> {
        let mut walk = Walk { choice, wanted, most, nodes, found: Found::default() };
        walk.node(&self.root, self.level, 0..END, 0, &choice.keys)?;
        Ok(walk.found)
    }
}

struct Walk<'a, N> {
    choice: &'a Choice,
    wanted: Range<u64>,
    most: usize,
    nodes: &'a N,
    found: Found,
}

impl<N: Nodes> Walk<'_, N> {
    /// Walks a node whose keys lie in `bounds` and whose rows begin at `first_row`; `keys`
    /// are the ranges of the choice that meet it.
    fn node(
        &mut self,
        body: &[u8],
        level: u64,
        bounds: Range<RunKey>,
        first_row: u64,
        keys: &[Range<RunKey>],
    ) -> Result<(), N::Error> {
        if level == 0 {
            return Ok(self.leaf(body, first_row, keys)?);
        }
        let mut children = Children::new(body).peekable();
        let mut row = first_row;
        while let Some(child) = children.next().transpose()? {
            let next = match children.peek() {
                Some(next) => next.as_ref().map_err(|senseless| *senseless)?.first,
                None => bounds.end,
            };
            let keys = &keys[keys.partition_point(|range| range.end <= child.first)..];
            if keys.is_empty() || self.is_done() {
                break;
            }
            let keys = &keys[..keys.partition_point(|range| range.start < next)];
            self.child(&child, level - 1, next, row, keys)?;
            row = row.checked_add(child.rows).ok_or(Senseless)?;
        }
        Ok(())
    }

    fn child(
        &mut self,
        child: &Child<'_>,
        level: u64,
        end: RunKey,
        row: u64,
        keys: &[Range<RunKey>],
    ) -> Result<(), N::Error> {
        let Some(range) = keys.first() else { return Ok(()) };
        if range.start <= child.first && range.end >= end {
            let rows = child.rows_of(self.choice.usage_type)?;
            let through = self.found.through.checked_add(rows).ok_or(Senseless)?;
            if rows == 0 || through <= self.wanted.start {
                self.found.through = through;
                return Ok(());
            }
            if self.choice.usage_type.is_none() {
                return Ok(self.take(row, rows)?);
            }
        }
        let mut body = self.nodes.read(child.place)?;
        if level == 0 {
            body = decompressed(&body)?;
        }
        self.node(&body, level, child.first..end, row, keys)
    }

    fn leaf(
        &mut self,
        body: &[u8],
        mut row: u64,
        mut keys: &[Range<RunKey>],
    ) -> Result<(), Senseless> {
        for run in Runs::new(body) {
            let run = run?;
            while keys.first().is_some_and(|range| range.end <= run.key) {
                keys = &keys[1..];
            }
            let Some(range) = keys.first() else { break };
            let is_of_type = self.choice.usage_type.is_none_or(|wanted| wanted == run.usage_type());
            if range.start <= run.key && is_of_type {
                self.take(row, run.rows)?;
                if self.is_done() {
                    break;
                }
            }
            row = row.checked_add(run.rows).ok_or(Senseless)?;
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.found.through >= self.wanted.end || self.found.ranges.len() >= self.most
    }

    /// Takes those of the next `count` chosen rows that are wanted; they begin at `row`.
    fn take(&mut self, row: u64, count: u64) -> Result<(), Senseless> {
        let before = self.found.through;
        let through = before.checked_add(count).ok_or(Senseless)?;
        let end = row.checked_add(count).ok_or(Senseless)?;
        let first = row + (self.wanted.start.clamp(before, through) - before);
        let end = end - (through - self.wanted.end.clamp(before, through));
        if first < end {
            match self.found.ranges.last_mut() {
                Some(last) if last.end == first => last.end = end,
                _ => self.found.ranges.push(first..end),
            }
        }
        self.found.through = through.min(self.wanted.end.max(before));
        Ok(())
    }
}
