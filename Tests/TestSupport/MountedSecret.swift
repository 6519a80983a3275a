public import Cryptography
import Foundation
import KeyManagement

/// A directory as a Kubernetes node mounts a secret: each name is a link into `..data`, which is a link to the
/// directory of this
/// edition, and is swapped by a rename.
public struct MountedSecret: Sendable {
    private let place: TemporaryDirectory

    public init(_ place: TemporaryDirectory) { self.place = place }

    public func put(_ ring: KeyRing) throws {
        let files = FileManager.default
        let edition = "..2026_\(UInt32.random(in: 0 ... .max))"
        try files.createDirectory(atPath: place.path(edition), withIntermediateDirectories: false)
        var contents = ring.keys.mapValues { String(decoding: KeyRingDocument.base64($0), as: UTF8.self) }
        contents["current"] = ring.current
        for (name, text) in contents { _ = try place.write(text, as: "\(edition)/\(name)") }

        let former = try? files.destinationOfSymbolicLink(atPath: place.path("..data"))
        try files.createSymbolicLink(atPath: place.path("..data_tmp"), withDestinationPath: edition)
        guard unsafe rename(place.path("..data_tmp"), place.path("..data")) == 0 else { throw POSIXError(.EIO) }
        for name in contents.keys where (try? files.destinationOfSymbolicLink(atPath: place.path(name))) == nil {
            try files.createSymbolicLink(atPath: place.path(name), withDestinationPath: "..data/\(name)")
        }
        for name in try files.contentsOfDirectory(atPath: place.path)
        where !name.hasPrefix("..") && contents[name] == nil {
            try files.removeItem(atPath: place.path(name))
        }
        if let former { try files.removeItem(atPath: place.path(former)) }
    }
}
