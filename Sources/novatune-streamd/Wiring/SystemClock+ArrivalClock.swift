import StreamResponder

// Apart from the clock, which the fuzzed settings reader is built with, without the routes.
extension SystemClock: ArrivalClock {}
