//! The calculator in Rust: what cannot be read is an error that passes up through `?`. Memory and
//! mathematics are those of Rust's library. The grammar is described in ../calculator/calculator.c.
//! What is nested more than 200 deep is refused.

use std::alloc::{alloc, dealloc, Layout};
use std::ffi::CStr;
use std::os::raw::c_char;

/// Where the input cannot be read (from 0), and why.
struct Refusal(usize, &'static str);

type Value = Result<f64, Refusal>;

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&mut self) -> u8 {
        while self.text.get(self.at).map_or(false, |c| c.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn accept(&mut self, c: u8) -> bool {
        let is_next = self.peek() == c;
        self.at += is_next as usize;
        is_next
    }

    fn refuse<T>(&self, reason: &'static str) -> Result<T, Refusal> {
        Err(Refusal(self.at, reason))
    }

    fn expect(&mut self, c: u8, reason: &'static str) -> Result<(), Refusal> {
        if self.accept(c) { Ok(()) } else { self.refuse(reason) }
    }

    /// The bytes from here on for which this holds.
    fn take(&mut self, mut holds: impl FnMut(u8) -> bool) -> &'a str {
        let from = self.at;
        while self.text.get(self.at).map_or(false, |c| holds(*c)) {
            self.at += 1;
        }
        std::str::from_utf8(&self.text[from..self.at]).unwrap_or("")
    }

    fn number(&mut self) -> Value {
        let from = self.at;
        self.take(|c| c.is_ascii_digit());
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.take(|c| c.is_ascii_digit());
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            let behind = self.at;
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.take(|c| c.is_ascii_digit()).is_empty() {
                self.at = behind;
            }
        }
        match std::str::from_utf8(&self.text[from..self.at]).ok().and_then(|s| s.parse().ok()) {
            Some(x) => Ok(x),
            None => {
                self.at = from;
                self.refuse("expected a number")
            }
        }
    }

    fn call(&mut self) -> Value {
        let place = self.at;
        let apply: fn(f64) -> f64 = match self.take(|c| c.is_ascii_alphabetic()) {
            "sqrt" => f64::sqrt,
            "sin" => f64::sin,
            "cos" => f64::cos,
            "tan" => f64::tan,
            "log" => f64::ln,
            "exp" => f64::exp,
            "abs" => f64::abs,
            _ => return Err(Refusal(place, "unknown function")),
        };
        self.expect(b'(', "expected '(' behind a function's name")?;
        let x = self.sum()?;
        self.expect(b')', "expected an operator or ')'")?;
        Ok(apply(x))
    }

    fn primary(&mut self) -> Value {
        if self.peek().is_ascii_alphabetic() {
            return self.call();
        }
        if self.accept(b'(') {
            let x = self.sum()?;
            self.expect(b')', "expected an operator or ')'")?;
            return Ok(x);
        }
        self.number()
    }

    fn signed(&mut self) -> Value {
        let mut is_negative = false;
        while self.accept(b'-') {
            is_negative = !is_negative;
        }
        if self.depth == 200 {
            return self.refuse("brackets or powers nested too deeply");
        }
        self.depth += 1;
        let mut x = self.primary()?;
        if self.accept(b'^') {
            x = x.powf(self.signed()?);
        }
        self.depth -= 1;
        Ok(if is_negative { -x } else { x })
    }

    fn product(&mut self) -> Value {
        let mut x = self.signed()?;
        loop {
            if self.accept(b'*') {
                x *= self.signed()?;
            } else if self.accept(b'/') {
                x /= self.signed()?;
            } else {
                return Ok(x);
            }
        }
    }

    fn sum(&mut self) -> Value {
        let mut x = self.product()?;
        loop {
            if self.accept(b'+') {
                x += self.product()?;
            } else if self.accept(b'-') {
                x -= self.product()?;
            } else {
                return Ok(x);
            }
        }
    }
}

/// NUL-terminated; empty when the last call succeeded. A guest has one thread.
static mut MESSAGE: Vec<u8> = Vec::new();

// Apart from evaluate_expression, which so has nothing on the stack when it traps; for the same
// reason it gives a number alone, and MESSAGE tells whether that is one.
#[inline(never)]
fn value_of(text: &[u8]) -> f64 {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let result = parser.sum().and_then(|x| match parser.peek() {
        0 => Ok(x),
        _ => parser.refuse("expected an operator or the end"),
    });
    let message = match &result {
        Ok(_) => String::from("\0"),
        Err(Refusal(place, reason)) => format!("at {}: {}\0", place + 1, reason),
    };
    unsafe { MESSAGE = message.into_bytes() };
    result.unwrap_or(0.0)
}

/// # Safety
/// `text` is NUL-terminated.
#[no_mangle]
pub unsafe extern "C" fn evaluate_expression(text: *const c_char) -> f64 {
    let x = value_of(CStr::from_ptr(text).to_bytes());
    if *last_error() != 0 {
        core::arch::wasm32::unreachable()
    }
    x
}

#[no_mangle]
pub extern "C" fn last_error() -> *const u8 {
    unsafe {
        if MESSAGE.is_empty() {
            MESSAGE.push(0);
        }
        MESSAGE.as_ptr()
    }
}

// Rust's allocator wants to know the size when memory is given back: it stands in front.
const FRONT: usize = 16;

#[no_mangle]
pub extern "C" fn malloc(size: usize) -> *mut u8 {
    match size.checked_add(FRONT).map(|len| Layout::from_size_align(len, FRONT)) {
        Some(Ok(layout)) => unsafe {
            let at = alloc(layout);
            if at.is_null() {
                return at;
            }
            *(at as *mut usize) = layout.size();
            at.add(FRONT)
        },
        _ => std::ptr::null_mut(),
    }
}

/// # Safety
/// `at` is null, or comes from malloc and was not freed.
#[no_mangle]
pub unsafe extern "C" fn free(at: *mut u8) {
    if !at.is_null() {
        let front = at.sub(FRONT);
        dealloc(front, Layout::from_size_align_unchecked(*(front as *const usize), FRONT));
    }
}
