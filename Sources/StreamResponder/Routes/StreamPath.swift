import StreamIssuing

/// `/tracks/{trackId}/stream` or `/tracks/{trackId}/waveform`.
struct StreamPath {
    private static let prefix = "/tracks/"

    /// `{trackId}`, valid or not.
    let trackText: Substring
    let part: TrackPart

    /// Nil for any other path.
    init?(_ path: String?) {
        guard let path = path?.utf8, path.starts(with: Self.prefix.utf8) else { return nil }
        let rest = path.dropFirst(Self.prefix.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")), slash != rest.startIndex else { return nil }
        let name = rest[rest.index(after: slash)...]
        if name.elementsEqual(TrackPart.audio.route.utf8) {
            part = .audio
        } else if name.elementsEqual(TrackPart.waveform.route.utf8) {
            part = .waveform
        } else {
            return nil
        }
        trackText = Substring(rest[..<slash])
    }
}

extension TrackPart {
    /// The last segment of its path, and its name in metrics and logs.
    var route: String {
        switch self {
        case .audio: "stream"
        case .waveform: "waveform"
        }
    }
}
