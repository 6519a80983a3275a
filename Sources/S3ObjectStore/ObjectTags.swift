import StreamIssuing

/// The tags of an object, as the store keeps them ("GetObjectTagging" and "PutObjectTagging", Amazon S3 API Reference):
/// a value. It shows none of them.
struct ObjectTags: Equatable, CustomStringConvertible {
    /// S3's limit for one object.
    static let limit = 10

    private struct Tag: Equatable {
        let name: String
        let value: String
    }

    private var tags: [Tag] = []

    var isRevoked: Bool { tags.contains { $0.name == RevocationTag.name && $0.value == RevocationTag.value } }
    var isEmpty: Bool { tags.isEmpty }
    var isTooLong: Bool { tags.count > Self.limit }
    var description: String { "\(tags.count) tags" }

    /// The others stay, in their order.
    func revoked(_ isRevoked: Bool) -> ObjectTags {
        var changed = self
        changed.tags.removeAll { $0.name == RevocationTag.name }
        if isRevoked { changed.tags.append(Tag(name: RevocationTag.name, value: RevocationTag.value)) }
        return changed
    }

    init() {}

    /// Nil for anything but a whole set of tags: what is not understood must not be written back without it.
    init?(document: String) {
        // Bytes: a combining mark makes one character with a bracket that stands before it.
        let document = Array(document.utf8)
        guard let start = document.firstRange(of: "<TagSet".utf8) else { return nil }
        var rest = document[start.upperBound...]
        if rest.starts(with: "/>".utf8) { return }
        guard rest.first == UInt8(ascii: ">"), let end = rest.firstRange(of: "</TagSet>".utf8) else { return nil }
        rest = rest[..<end.lowerBound].dropFirst()
        while true {
            rest = rest.drop(while: Self.isSpace)
            if rest.isEmpty { return }
            guard let tag = Self.take("Tag", from: &rest) else { return nil }
            var inner = tag.drop(while: Self.isSpace)
            guard let name = Self.take("Key", from: &inner).flatMap(Self.unescaped) else { return nil }
            inner = inner.drop(while: Self.isSpace)
            guard let value = Self.takeValue(from: &inner).flatMap(Self.unescaped), inner.allSatisfy(Self.isSpace)
            else { return nil }
            tags.append(Tag(name: name, value: value))
        }
    }

    var document: String {
        let lines = tags.map {
            "<Tag><Key>\(Self.escaped($0.name))</Key><Value>\(Self.escaped($0.value))</Value></Tag>"
        }
        return "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>\(lines.joined())</TagSet></Tagging>"
    }

    /// XML's white space (section 2.3).
    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0d, 0x0a].contains(byte) }

    /// The contents of the element that the text begins with, which is taken away.
    private static func take(_ element: String, from text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let opening = "<\(element)>".utf8, closing = "</\(element)>".utf8
        guard text.starts(with: opening), let end = text.firstRange(of: closing) else { return nil }
        defer { text = text[end.upperBound...] }
        return text[..<end.lowerBound].dropFirst(opening.count)
    }

    private static func takeValue(from text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let empty = "<Value/>".utf8
        guard text.starts(with: empty) else { return take("Value", from: &text) }
        text = text.dropFirst(empty.count)
        return []
    }

    private static let entities: KeyValuePairs<String, Unicode.Scalar> = [
        "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "amp": "&",
    ]

    /// Nil where it has an element, or a reference that is not known.
    private static func unescaped(_ text: ArraySlice<UInt8>) -> String? {
        var output = String.UnicodeScalarView(), rest = Substring(decoding: text, as: UTF8.self).unicodeScalars
        while let scalar = rest.popFirst() {
            if scalar == "<" { return nil }
            guard scalar == "&" else {
                output.append(scalar)
                continue
            }
            guard let end = rest.firstIndex(of: ";"), let meant = reference(Substring(rest[..<end])) else { return nil }
            output.append(meant)
            rest = rest[rest.index(after: end)...]
        }
        return String(output)
    }

    private static func reference(_ name: Substring) -> Unicode.Scalar? {
        if let entity = entities.first(where: { $0.key == name }) { return entity.value }
        guard name.first == "#" else { return nil }
        let digits = name.dropFirst()
        let number = digits.first == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        return number.flatMap(Unicode.Scalar.init)
    }

    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            entities.first { $0.value == scalar }.map { "&\($0.key);" } ?? String(scalar)
        }.joined()
    }
}
