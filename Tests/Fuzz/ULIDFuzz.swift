import StreamIssuing

/// Whatever is accepted has the canonical form and is read again as itself, in either case.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    guard let ulid = ULID(text) else { return 0 }
    precondition(ulid.description == text.uppercased() && ulid.description.utf8.count == 26)
    precondition(ULID(ulid.description) == ulid && ULID(ulid.description.lowercased()) == ulid)
    return 0
}
