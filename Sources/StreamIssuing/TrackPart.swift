/// What a request wants of a track. All parts are under the same conditions.
public enum TrackPart: Sendable, Hashable, CaseIterable {
    case audio
    /// The track's loudness over its time, which a player draws: JSON. A track may have none.
    case waveform
}
