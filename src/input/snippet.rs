//! One line of people's text made safe and short enough to show, and what to underline.
//!
//! Every character shown is one that a terminal prints in a known width: a tab, an
//! escape or a direction mark cannot move the cursor or colour the screen.

use std::ops::Range;

use super::fault::Part;

/// The most columns of a line that are shown.
const MAX_CELLS: usize = 120;

/// How many columns are shown before what is underlined, if the line is cut there.
const CELLS_BEFORE: usize = 50;

/// A line to show, and which of its columns to underline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) text: String,
    /// Terminal columns before the underlined ones.
    pub(super) before: usize,
    /// Terminal columns to underline, at least 1.
    pub(super) width: usize,
}

/// One character as shown.
#[derive(Clone, Copy)]
struct Cell {
    shown: char,
    marked: bool,
}

impl Snippet {
    /// Shows `line` around its character `column` (from 1) without the byte ranges in
    /// `hidden`, which are in order. `part` tells how far the underlining goes.
    pub(super) fn of(line: &str, column: u32, part: Option<Part>, hidden: &[Range<usize>]) -> Self {
        let line = line.trim_end_matches(['\n', '\r']);
        let skip = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
        let at = line.char_indices().nth(skip).map_or(line.len(), |(at, _)| at);
        let marked = at..at + part.map_or(1, |part| token_length(&line[at..], part)).max(1);
        let window = window(line, at);
        let mut cells = Vec::new();
        for (offset, c) in line[window.clone()].char_indices() {
            let offset = window.start + offset;
            let marks = marked.contains(&offset);
            match hidden.iter().find(|range| range.contains(&offset)) {
                None => cells.push(Cell { shown: visible(c), marked: marks }),
                Some(range) if offset == range.start.max(window.start) => {
                    let marked = range.start < marked.end && marked.start < range.end;
                    cells.push(Cell { shown: '…', marked });
                }
                Some(_) => {}
            }
        }
        if !cells.iter().any(|cell| cell.marked) {
            cells.push(Cell { shown: ' ', marked: true });
        }
        crop(&cells, window.start > 0, window.end < line.len())
    }
}

/// Enough of a perhaps huge line around `at` to fill the screen, on character borders.
fn window(line: &str, at: usize) -> Range<usize> {
    let start = line[..at].char_indices().rev().nth(MAX_CELLS).map_or(0, |(start, _)| start);
    let end = line[at..].char_indices().nth(2 * MAX_CELLS).map_or(line.len(), |(end, _)| at + end);
    start..end
}

/// Cuts the cells to the screen around the first marked one.
fn crop(cells: &[Cell], cut_before: bool, cut_behind: bool) -> Snippet {
    let total: usize = cells.iter().map(|cell| width(cell.shown)).sum();
    let first = cells.iter().position(|cell| cell.marked).unwrap_or(0);
    let (mut start, mut end) = (0, cells.len());
    if total > MAX_CELLS || cut_before || cut_behind {
        let mut room = CELLS_BEFORE;
        start = first;
        while start > 0 && width(cells[start - 1].shown) <= room {
            start -= 1;
            room -= width(cells[start].shown);
        }
        let mut room = MAX_CELLS;
        end = start;
        while end < cells.len() && width(cells[end].shown) <= room {
            room -= width(cells[end].shown);
            end += 1;
        }
    }
    let mut text = String::new();
    if start > 0 || cut_before {
        text.push('…');
    }
    let before = text.chars().count()
        + cells[start..first].iter().map(|cell| width(cell.shown)).sum::<usize>();
    text.extend(cells[start..end].iter().map(|cell| cell.shown));
    if end < cells.len() || cut_behind {
        text.push('…');
    }
    let marked = cells[first..end].iter().take_while(|cell| cell.marked);
    let width = marked.map(|cell| width(cell.shown)).sum::<usize>().max(1);
    text.truncate(text.trim_end().len());
    Snippet { text, before, width }
}

/// How many bytes of `rest` are the key or value that it opens with.
fn token_length(rest: &str, part: Part) -> usize {
    let closing = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map(|at| at + 2),
        Some('{' | '[' | '|' | '>') if part == Part::Value => Some(1),
        _ => None,
    };
    closing.unwrap_or_else(|| {
        let ends: &[&str] = match part {
            Part::Key => &[":", ",", "}"],
            Part::Value => &[" #", ", ", "}", "]"],
        };
        let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
        rest[..end].trim_end().len()
    })
}

/// `text` in one line that a terminal only prints.
pub(super) fn safe(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// The character, or what stands for it when it would not simply be printed.
fn visible(c: char) -> char {
    match c {
        '\t' => '→',
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '␡',
        // C1 controls, line and paragraph breaks, direction and joining marks, tags.
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => '\u{fffd}',
        c => c,
    }
}

/// How many terminal columns a [`visible`] character takes: 0 if it joins the one
/// before it, 2 for the wide scripts and pictures. Unicode's own table is longer; an
/// error here moves an underline, nothing else.
fn width(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f
        | 0x0483..=0x0489
        | 0x0591..=0x05bd
        | 0x064b..=0x065f
        | 0x0e31
        | 0x0e34..=0x0e3a
        | 0x0e47..=0x0e4e
        | 0x1ab0..=0x1aff
        | 0x1dc0..=0x1dff
        | 0x20d0..=0x20f0
        | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xa960..=0xa97c
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The snippet as two lines, the second with its carets.
    fn show(line: &str, column: u32, part: Option<Part>, hidden: &[Range<usize>]) -> [String; 2] {
        let snippet = Snippet::of(line, column, part, hidden);
        let carets = " ".repeat(snippet.before) + &"^".repeat(snippet.width);
        [snippet.text, carets]
    }

    #[test]
    fn the_underline_covers_the_key_or_the_value() {
        for (line, column, part, expected) in [
            ("  replica: 3\n", 3, Some(Part::Key), ["  replica: 3", "  ^^^^^^^"]),
            ("  replica: 3 # x\r\n", 12, Some(Part::Value), ["  replica: 3 # x", "           ^"]),
            (r#"a: "b c" # d"#, 4, Some(Part::Value), [r#"a: "b c" # d"#, "   ^^^^^"]),
            ("{a: one, b: two}", 5, Some(Part::Value), ["{a: one, b: two}", "    ^^^"]),
            ("a: [1, 2]", 4, Some(Part::Value), ["a: [1, 2]", "   ^"]),
            ("a: b", 2, None, ["a: b", " ^"]),
            ("a:", 9, Some(Part::Value), ["a:", "  ^"]),
            ("", 1, None, ["", "^"]),
        ] {
            assert_eq!(show(line, column, part, &[]), expected.map(str::to_owned), "{line}");
        }
    }

    #[test]
    fn odd_characters_are_shown_and_keep_the_underline_in_place() {
        for (line, column, expected) in [
            ("a:\tb", 4, ["a:→b", "   ^"]),
            ("a: \u{1b}[31mb", 4, ["a: ␛[31mb", "   ^^^^^^"]),
            ("\u{202e}a: b", 5, ["\u{fffd}a: b", "    ^"]),
            ("名前: b", 5, ["名前: b", "      ^"]),
            ("e\u{301}: b", 5, ["e\u{301}: b", "   ^"]),
            ("a: 名前", 4, ["a: 名前", "   ^^^^"]),
        ] {
            assert_eq!(show(line, column, Some(Part::Value), &[]), expected.map(str::to_owned));
        }
    }

    #[test]
    fn hidden_parts_are_one_mark_and_can_be_underlined() {
        let line = "password: hunter2";
        let hidden = std::slice::from_ref(&(10..17));
        let expected = ["password: …".to_owned(), "          ^".to_owned()];
        for column in [11, 13, 17] {
            assert_eq!(show(line, column, Some(Part::Value), hidden), expected);
        }
        let expected = ["password: …".to_owned(), "^^^^^^^^".to_owned()];
        assert_eq!(show(line, 1, Some(Part::Key), hidden), expected);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = format!("{} here {}", "x".repeat(5_000_000), "名".repeat(5_000_000));
        for (column, hidden) in
            [(1, 0..0), (5_000_002, 0..0), (9_000_000, 0..0), (5_000_002, 0..9_000_000)]
        {
            let [text, carets] =
                show(&line, column, Some(Part::Value), std::slice::from_ref(&hidden));
            let cells: usize = text.chars().map(width).sum();
            assert!(cells <= MAX_CELLS + 2, "{cells} columns");
            assert!(carets.len() <= MAX_CELLS + 1, "{} carets", carets.len());
        }
        let [text, carets] = show(&line, 5_000_002, None, &[]);
        assert_eq!(&text[carets.len() + 1..][..4], "here", "{text}\n{carets}");
    }
}
