import Testing

/// Suites that lock or change the tables which others of them read: one test at a time.
@Suite(.serialized) enum TrackTableTests {}
