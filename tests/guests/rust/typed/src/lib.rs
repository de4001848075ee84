//! Exports of every value type, to be called by name with JSON.

wit_bindgen::generate!({ world: "typed", path: "../../wit/typed", generate_all });

use exports::paddock::typed::shapes::{Colour, Guest as Shapes, Permissions, Person, Point, Shape};

struct Typed;

impl Guest for Typed {
    fn add(a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }

    fn repeat(text: String, times: u32) -> String {
        text.repeat(times as usize)
    }

    fn sum(numbers: Vec<i64>) -> i64 {
        numbers.iter().sum()
    }
}

impl Shapes for Typed {
    fn move_by(point: Point, dx: i32, dy: i32) -> Point {
        Point { x: point.x + dx, y: point.y + dy }
    }

    fn area(shape: Shape) -> f64 {
        match shape {
            Shape::Nothing => 0.0,
            Shape::Circle(radius) => std::f64::consts::PI * radius * radius,
            Shape::Polygon(points) => shoelace(&points),
        }
    }

    fn greet(person: Person) -> String {
        let age = person.age.map_or("of no age".to_owned(), |age| format!("{age} years old"));
        format!("{}, {age}, {:?}", person.full_name, person.tags)
    }

    fn next(colour: Colour) -> Colour {
        match colour {
            Colour::Red => Colour::Green,
            Colour::Green => Colour::DeepBlue,
            Colour::DeepBlue => Colour::Red,
        }
    }

    fn both(a: Permissions, b: Permissions) -> Permissions {
        a & b
    }

    fn swap(pair: (String, u64)) -> (u64, String) {
        (pair.1, pair.0)
    }

    fn find(words: Vec<String>, prefix: String) -> Option<String> {
        words.into_iter().find(|word| word.starts_with(&prefix))
    }

    fn divide(a: i64, b: i64) -> Result<i64, String> {
        a.checked_div(b).ok_or_else(|| format!("{a} can't be divided by {b}"))
    }

    fn reverse(bytes: Vec<u8>) -> Vec<u8> {
        bytes.into_iter().rev().collect()
    }

    fn upper(letter: char) -> char {
        letter.to_uppercase().next().unwrap_or(letter)
    }

    fn not(value: bool) -> bool {
        !value
    }

    fn limits(a: u8, b: i8, c: u16, d: i16, e: u32, f: i32, g: u64, h: i64) -> String {
        format!("{a} {b} {c} {d} {e} {f} {g} {h}")
    }

    fn mean(numbers: Vec<f32>) -> f32 {
        numbers.iter().sum::<f32>() / numbers.len() as f32
    }

    fn check(number: u32) -> Result<(), Colour> {
        if number < 100 { Ok(()) } else { Err(Colour::Red) }
    }

    fn nested(values: Vec<Option<Result<u8, String>>>) -> Vec<String> {
        values.iter().map(|value| format!("{value:?}")).collect()
    }

    fn fail(message: String) {
        panic!("{message}");
    }
}

fn shoelace(points: &[Point]) -> f64 {
    let next = points.iter().cycle().skip(1);
    let twice: i64 = points
        .iter()
        .zip(next)
        .map(|(a, b)| i64::from(a.x) * i64::from(b.y) - i64::from(b.x) * i64::from(a.y))
        .sum();
    twice.abs() as f64 / 2.0
}

export!(Typed);
