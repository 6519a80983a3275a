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
        guard let start = document.firstRange(of: "<TagSet") else { return nil }
        var rest = document[start.upperBound...]
        if rest.hasPrefix("/>") { return }
        guard rest.hasPrefix(">"), let end = rest.firstRange(of: "</TagSet>") else { return nil }
        rest = rest[rest.index(after: rest.startIndex)..<end.lowerBound]
        while true {
            rest = rest.drop { $0.isWhitespace }
            if rest.isEmpty { return }
            guard let tag = Self.take("Tag", from: &rest) else { return nil }
            var inner = tag.drop { $0.isWhitespace }
            guard let name = Self.take("Key", from: &inner).flatMap(Self.unescaped) else { return nil }
            inner = inner.drop { $0.isWhitespace }
            if inner.hasPrefix("<Value/>") {
                inner = inner.dropFirst("<Value/>".count)
                tags.append(Tag(name: name, value: ""))
            } else if let value = Self.take("Value", from: &inner).flatMap(Self.unescaped) {
                tags.append(Tag(name: name, value: value))
            }
            guard inner.allSatisfy(\.isWhitespace), tags.last?.name == name else { return nil }
        }
    }

    var document: String {
        let lines = tags.map {
            "<Tag><Key>\(Self.escaped($0.name))</Key><Value>\(Self.escaped($0.value))</Value></Tag>"
        }
        return "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>\(lines.joined())</TagSet></Tagging>"
    }

    /// The contents of the element that the text begins with, which is taken away.
    private static func take(_ element: String, from text: inout Substring) -> Substring? {
        let opening = "<\(element)>", closing = "</\(element)>"
        guard text.hasPrefix(opening), let end = text.firstRange(of: closing) else { return nil }
        defer { text = text[end.upperBound...] }
        return text.dropFirst(opening.count)[..<end.lowerBound]
    }

    private static let entities: KeyValuePairs = ["lt": "<", "gt": ">", "quot": "\"", "apos": "'", "amp": "&"]

    /// Nil where it has an element, or a reference that is not known.
    private static func unescaped(_ text: Substring) -> String? {
        var output = "", rest = text
        while let character = rest.first {
            rest = rest.dropFirst()
            if character == "<" { return nil }
            guard character == "&" else {
                output.append(character)
                continue
            }
            guard let end = rest.firstIndex(of: ";"), let meant = reference(rest[..<end]) else { return nil }
            output += meant
            rest = rest[rest.index(after: end)...]
        }
        return output
    }

    private static func reference(_ name: Substring) -> String? {
        if let entity = entities.first(where: { $0.key == name }) { return entity.value }
        guard name.first == "#" else { return nil }
        let digits = name.dropFirst()
        let number = digits.first == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        return number.flatMap(Unicode.Scalar.init).map { String(Character($0)) }
    }

    private static func escaped(_ text: String) -> String {
        text.map { character in
            entities.first { $0.value == String(character) }.map { "&\($0.key);" } ?? String(character)
        }.joined()
    }
}
