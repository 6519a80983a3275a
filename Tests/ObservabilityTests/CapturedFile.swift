import Foundation
import TestSupport

/// A file that stays open.
final class CapturedFile {
    private let place: TemporaryDirectory
    private let handle: FileHandle

    init(_ place: TemporaryDirectory) throws {
        self.place = place
        handle = try FileHandle(forWritingTo: URL(fileURLWithPath: try place.write("", as: "file")))
    }
}
