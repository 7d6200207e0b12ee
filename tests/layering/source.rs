//! Rust source reduced to what is compiled into the library: no comments, no literals, no tests.

/// The code without comments, the contents of string and character literals, and `#[cfg(test)]` items.
pub fn code(text: &str) -> String {
    without_tests(&without_comments(text))
}

fn without_comments(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| literal(rest));
        if let Some(length) = skipped {
            // A literal stays a token, so that what is around it does not run together.
            code.push(' ');
            rest = &rest[length..];
        } else {
            code.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    code
}

/// The length of the comment that the text begins with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    assert!(!text.starts_with("/*"), "block comments are not written in this house");
    None
}

/// The length of the string or character literal that the text begins with.
fn literal(text: &str) -> Option<usize> {
    assert!(!text.starts_with("r#\""), "raw strings are not written in this house");
    if let Some(body) = text.strip_prefix('"') {
        return Some(end_of_string(body) + 1);
    }
    // A quote without a second one soon is a lifetime.
    let body = text.strip_prefix('\'')?;
    let escaped = usize::from(body.starts_with('\\'));
    let character = body[escaped..].chars().next()?.len_utf8() + escaped;
    body[character..].starts_with('\'').then_some(character + 2)
}

/// The length of a string's rest, its closing quote included.
fn end_of_string(body: &str) -> usize {
    let mut escaped = false;
    for (index, character) in body.char_indices() {
        match character {
            '"' if !escaped => return index + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    body.len()
}

/// Without the items that only tests compile.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..start]);
        rest = &rest[start + end_of_item(&rest[start..])..];
    }
    kept + rest
}

/// The length of an item: to its semicolon, or to the end of its block.
fn end_of_item(item: &str) -> usize {
    let mut depth = 0_usize;
    for (index, character) in item.char_indices() {
        match character {
            ';' if depth == 0 => return index + 1,
            '{' => depth += 1,
            '}' if depth == 1 => return index + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    item.len()
}

#[test]
fn comments_literals_and_tests_are_no_code() {
    let text = "use a::b; // use c::d;\n/// use e::f;\nlet x = \"use \\\" g::h\"; 'i'; &'j str;\n\
                #[cfg(test)]\nmod tests { use k::l; { } }\nuse m::n;";
    let code = code(text);
    for kept in ["use a::b;", "&'j str", "use m::n;"] {
        assert!(code.contains(kept), "{kept} is lost: {code}");
    }
    for dropped in ["c::d", "e::f", "g::h", "'i'", "k::l"] {
        assert!(!code.contains(dropped), "{dropped} is kept: {code}");
    }
}
