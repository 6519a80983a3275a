import Foundation

/// A file of vectors in the directory `Vectors` beside the test that reads it.
public struct VectorFile {
    private let url: URL

    public init(_ name: String, besideTest path: String = #filePath) {
        url = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent("Vectors")
            .appendingPathComponent(name)
    }

    public func bytes() throws -> [UInt8] { [UInt8](try Data(contentsOf: url)) }

    /// One JSON text, read by Foundation: not by the reader under test.
    public func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: try Data(contentsOf: url))
    }

    /// One JSON text a line.
    public func jsonLines<Value: Decodable>(_ type: Value.Type) throws -> [Value] {
        let decoder = JSONDecoder()
        return try Data(contentsOf: url).split(separator: UInt8(ascii: "\n")).map { try decoder.decode(type, from: $0) }
    }
}
