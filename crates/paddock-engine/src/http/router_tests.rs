//! What routes match, and which of them wins.

use super::*;

fn router(routes: &[&str]) -> Router {
    let mut router = Router::default();
    for (index, text) in routes.iter().enumerate() {
        router.add(&Pattern::parse(text).unwrap(), &Methods::default(), None, index).unwrap();
    }
    router
}

fn winner(routes: &[&'static str], path: &str) -> Option<&'static str> {
    match router(routes).find("", path, &Method::GET) {
        Found::Route(index) => Some(routes[index]),
        _ => None,
    }
}

#[test]
fn literals_beat_parameters_and_parameters_beat_wildcards() {
    let routes = ["/...", "/:a", "/hello", "/hey/:b", "/hey/earth", "/:a/:b/...", "/one/...", "/one/two/..."];
    for (path, expected) in [
        ("/hey/earth", "/hey/earth"),
        ("/hey/mars", "/hey/:b"),
        ("/hello", "/hello"),
        ("/hello/", "/hello"),
        ("/yo", "/:a"),
        ("/", "/..."),
        ("/yo/planet/check/this", "/:a/:b/..."),
        ("/one", "/one/..."),
        ("/one/two/three", "/one/two/..."),
        ("/one/too", "/one/..."),
        ("//", "/..."),
    ] {
        assert_eq!(winner(&routes, path), Some(expected), "{path}");
    }
    assert_eq!(winner(&["/foo"], "/foo/bar"), None);
    assert_eq!(winner(&["/"], "/"), Some("/"));
    assert_eq!(winner(&["/"], "/x"), None);
}

#[test]
fn what_a_wildcard_stands_for_keeps_its_slashes() {
    let pattern = Pattern::parse("/test/...").unwrap();
    for (path, rest) in [("/test", ""), ("/test/", "/"), ("/test/hello", "/hello"), ("/test/hello/", "/hello/")] {
        assert_eq!(pattern.rest(path), rest);
    }
    assert_eq!(Pattern::parse("/...").unwrap().rest("/1/2"), "/1/2");
    assert_eq!(Pattern::parse("/...").unwrap().prefix(), "");
    assert_eq!(Pattern::parse("/a/:b/*").unwrap().prefix(), "/a/:b");
    assert_eq!(segment("/1/2/3", 1), "2");
}

#[test]
fn escapes_are_compared_decoded_and_never_split_a_segment() {
    let routes = ["/caf\u{e9}", "/a/b", "/a%20b", "/:x"];
    assert_eq!(winner(&routes, "/caf%C3%A9"), Some("/caf\u{e9}"));
    assert_eq!(winner(&routes, "/a%20b"), Some("/a%20b"));
    assert_eq!(winner(&routes, "/a%2Fb"), Some("/:x"));
    assert_eq!(winner(&routes, "/%61/b"), Some("/a/b"));
}

#[test]
fn dot_segments_are_seen_in_every_spelling() {
    for path in ["/..", "/a/../b", "/a/%2e%2E/b", "/.", "/a/.%2e", "/a/%2e/"] {
        assert!(has_dots(path), "{path}");
    }
    for path in ["/", "/a.b/c", "/...", "/.well-known/x", "/a..b", "/%20", "/..a"] {
        assert!(!has_dots(path), "{path}");
    }
}

#[test]
fn methods_and_hosts_choose_before_anything_is_refused() {
    let mut router = Router::default();
    let pattern = Pattern::parse("/x").unwrap();
    let methods = |names: &[&str]| Methods::parse(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).unwrap();
    router.add(&pattern, &methods(&["GET"]), None, 0).unwrap();
    router.add(&pattern, &methods(&["POST", "PUT"]), None, 1).unwrap();
    assert_eq!(router.add(&Pattern::parse("/x/").unwrap(), &methods(&["PUT"]), None, 2), Err(1));
    router.add(&pattern, &methods(&[]), Some("*.example.com"), 3).unwrap();
    router.add(&pattern, &methods(&["GET"]), Some("A.example.com"), 4).unwrap();
    assert_eq!(router.find("other", "/x", &Method::HEAD), Found::Route(0));
    assert_eq!(router.find("other", "/x", &Method::PUT), Found::Route(1));
    let listed = vec![Method::GET, Method::HEAD, Method::POST, Method::PUT];
    assert_eq!(router.find("other", "/x", &Method::OPTIONS), Found::Methods(listed));
    assert_eq!(router.find("a.EXAMPLE.com", "/x", &Method::GET), Found::Route(4));
    assert_eq!(router.find("a.example.com", "/x", &Method::POST), Found::Route(3));
    assert_eq!(router.find("example.com", "/x", &Method::GET), Found::Route(0));
    assert_eq!(router.find("other", "/y", &Method::GET), Found::Nothing);
}

/// A matcher too simple to be wrong: every route against the path.
fn naive<'r>(routes: &'r [Pattern], path: &str) -> Option<&'r Pattern> {
    let parts: Vec<&str> = split(path).collect();
    let matching = routes.iter().filter(|route| {
        let long =
            if route.wildcard { parts.len() >= route.segments.len() } else { parts.len() == route.segments.len() };
        long && route.segments.iter().zip(&parts).all(|(segment, part)| match segment {
            Segment::Literal(text) => **text == *part.as_bytes(),
            Segment::Parameter(_) => !part.is_empty(),
        })
    });
    let rank = |route: &&Pattern| -> Vec<u8> {
        let ranks = route.segments.iter().map(|s| if matches!(s, Segment::Literal(_)) { 1 } else { 2 });
        ranks.chain([if route.wildcard { 3 } else { 0 }]).collect()
    };
    matching.min_by_key(rank)
}

#[test]
fn the_trie_agrees_with_trying_every_route() {
    let mut seed = 7u64;
    let mut next = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let words = ["a", "b", "c", ""];
    for _ in 0..400 {
        let mut router = Router::default();
        let mut patterns: Vec<Pattern> = Vec::new();
        for _ in 0..next(30) {
            let mut text = String::new();
            for _ in 0..next(4) {
                text.push('/');
                let pick = next(5) as usize;
                text.push_str(if pick > 2 { ":p" } else { words[pick] });
            }
            text.push_str(["/...", "/"][next(2) as usize]);
            let pattern = Pattern::parse(&text).unwrap();
            if router.add(&pattern, &Methods::default(), None, patterns.len()).is_ok() {
                patterns.push(pattern);
            }
        }
        for _ in 0..60 {
            let path: String = (0..=next(4)).map(|_| format!("/{}", words[next(4) as usize])).collect();
            let expected = naive(&patterns, &path).map(|p| &p.text);
            let found = match router.find("", &path, &Method::GET) {
                Found::Route(index) => Some(&patterns[index].text),
                _ => None,
            };
            assert_eq!(found, expected, "{path}");
        }
    }
}
