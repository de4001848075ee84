//! The head of a CGI response (RFC 3875, section 6), as WAGI reads it: header
//! lines up to an empty one; `status` is the status, and `content-type` or
//! `location` has to be there.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use tokio::sync::mpsc;

/// Bytes that a head may have.
const LONGEST: usize = 64 << 10;

/// The lines of a head, and what came of the body with them.
pub struct Head {
    lines: Bytes,
    rest: Bytes,
}

impl Head {
    /// Reads up to the first empty line.
    ///
    /// # Errors
    /// In words, when there is none.
    pub async fn read(output: &mut mpsc::Receiver<Bytes>) -> Result<Self, String> {
        let mut seen = BytesMut::new();
        while let Some(bytes) = output.recv().await {
            // A line end may have come before; looking at all of it again for each
            // byte that a program writes would cost the square of its length.
            let known = seen.len().saturating_sub(2);
            seen.extend_from_slice(&bytes);
            if let Some((length, gap)) = end(seen.get(known..).unwrap_or_default()) {
                let lines = seen.split_to(known + length).freeze();
                let rest = seen.split_off(gap.min(seen.len())).freeze();
                return Ok(Self { lines, rest });
            }
            if seen.len() > LONGEST {
                return Err(format!("the program's header lines are longer than {LONGEST} bytes"));
            }
        }
        Err("the program's output has no empty line after its header lines".into())
    }

    /// # Errors
    /// In words, for lines that make no response.
    pub fn response(self) -> Result<(Response<()>, Bytes), String> {
        let mut response = Response::new(());
        let text = std::str::from_utf8(&self.lines).map_err(|_| "the program's header lines are not UTF-8")?;
        let mut status = None;
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or_else(|| format!("{line:?} is no header line"))?;
            let value = value.trim();
            if name.trim().eq_ignore_ascii_case("status") {
                let code = value.split(' ').next().unwrap_or("");
                let known = StatusCode::from_bytes(code.as_bytes()).ok().filter(|code| !code.is_informational());
                status = Some(known.ok_or_else(|| format!("{value:?} is no status"))?);
                continue;
            }
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| format!("{name:?} is no header"))?;
            let value = HeaderValue::from_str(value).map_err(|_| format!("the header {name} has a bad value"))?;
            response.headers_mut().append(name, value);
        }
        let headers = response.headers_mut();
        // Its own count would have to be believed; the server counts.
        headers.remove(CONTENT_LENGTH);
        let moved = headers.contains_key(LOCATION);
        if !moved && !headers.contains_key(CONTENT_TYPE) {
            return Err("the program's header lines have neither content-type nor location".into());
        }
        let usual = if moved { StatusCode::FOUND } else { StatusCode::OK };
        *response.status_mut() = status.unwrap_or(usual);
        Ok((response, self.rest))
    }
}

/// Length of the lines, and of the line ends that follow them.
fn end(seen: &[u8]) -> Option<(usize, usize)> {
    let found = |gap: &[u8]| seen.windows(gap.len()).position(|window| window == gap).map(|at| (at, gap.len()));
    match (found(b"\n\n"), found(b"\n\r\n")) {
        (Some(one), Some(other)) => Some(if one.0 < other.0 { one } else { other }),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(chunks: &[&'static str]) -> Result<(Response<()>, Bytes), String> {
        let (sender, mut receiver) = mpsc::channel(16);
        for chunk in chunks {
            sender.send(Bytes::from_static(chunk.as_bytes())).await.unwrap();
        }
        drop(sender);
        Head::read(&mut receiver).await.and_then(Head::response)
    }

    #[tokio::test]
    async fn a_head_may_come_in_pieces_and_with_either_line_end() {
        let (response, rest) = read(&["Content-Type: text/plain\r", "\nX-A: 1\r\n\r", "\nbody"]).await.unwrap();
        assert_eq!(response.headers()["x-a"], "1");
        assert_eq!(rest, "body");
        let (response, rest) = read(&["x-a: 1\nlocation: /\n", "\r", "\n", "x"]).await.unwrap();
        assert_eq!((&response.headers()["x-a"], rest.len()), (&HeaderValue::from_static("1"), 0));
        let (response, rest) = read(&["status: 404 Not Found\ncontent-type: a/b\n\n\nx"]).await.unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(rest, "\nx");
    }

    #[tokio::test]
    async fn a_location_redirects_unless_the_status_says_otherwise() {
        assert_eq!(read(&["location: /x\n\n"]).await.unwrap().0.status(), 302);
        assert_eq!(read(&["location: /x\nstatus: 301\n\n"]).await.unwrap().0.status(), 301);
    }

    #[tokio::test]
    async fn what_is_no_response_is_told() {
        for (text, told) in [
            ("hello\n\n", "no header line"),
            ("x-a: 1\n\n", "neither content-type nor location"),
            ("content-type: a/b\n", "no empty line"),
            ("content-type: a/b\nstatus: 100\n\n", "no status"),
            ("content-type: a/b\na b: c\n\n", "is no header"),
        ] {
            let error = read(&[text]).await.unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
