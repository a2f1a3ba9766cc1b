//! Amounts with what is used of them, and the exact factors that settings give.

/// The total of something and the part of it that is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    /// MHz, bytes or a count.
    pub(crate) total: i64,
    /// In the same unit.
    pub(crate) used: i64,
}

impl Amount {
    /// The rest; never below 0.
    pub(crate) fn free(self) -> i64 {
        self.total.saturating_sub(self.used).max(0)
    }

    /// Tells whether more than a share of it would be used with so much more.
    pub(super) fn is_above(self, share: Ratio, more: i64) -> bool {
        let used = i128::from(self.used) + i128::from(more);
        used * i128::from(share.under) > i128::from(self.total) * i128::from(share.over)
    }

    /// The share that is used, in hundredths of a percent, rounded.
    pub(crate) fn share(self) -> i64 {
        if self.total <= 0 {
            return 0;
        }
        let (used, total) = (i128::from(self.used), i128::from(self.total));
        i64::try_from((used * 20_000 + total) / (total * 2)).unwrap_or(i64::MAX)
    }

    /// The share as people read it: `0`, `12.5`, `33.33`.
    pub(crate) fn percent(self) -> String {
        let share = self.share();
        let text = format!("{}.{:02}", share / 100, share % 100);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    fn plus(self, other: Self) -> Self {
        Self {
            total: self.total.saturating_add(other.total),
            used: self.used.saturating_add(other.used),
        }
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Self::plus)
    }
}

/// A factor that settings write as a decimal, kept exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub(super) over: u64,
    pub(super) under: u64,
}

impl Ratio {
    /// Digits after the point that count; the rest is below a millionth.
    const DIGITS_MAX: usize = 6;

    /// The ratio that a text such as `2`, `1.5` or `.75` is.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || whole.is_empty() && part.is_empty() {
            return None;
        }
        let part = &part[..part.len().min(Self::DIGITS_MAX)];
        let under = 10_u64.pow(u32::try_from(part.len()).ok()?);
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part: u64 = if part.is_empty() { 0 } else { part.parse().ok()? };
        Some(Self { over: whole.checked_mul(under)?.checked_add(part)?, under })
    }

    /// So much of an amount, rounded down.
    pub(crate) fn of(self, amount: i64) -> i64 {
        let product = i128::from(amount) * i128::from(self.over) / i128::from(self.under);
        i64::try_from(product).unwrap_or(i64::MAX)
    }
}
