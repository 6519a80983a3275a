import StreamIssuing
import StrictJSON

/// A problem is JSON whose instance is the very path that was given.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let path = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    let blocked = Problem.trackNotReady(ULID("01HXK5Z8J3QW9R7N2M4P6T8V0C")!, .processing)
    for problem in [.forbidden, .trackNotFound, .overloaded, .unauthorized(.missing), blocked] as [Problem] {
        var text = JSONText()
        text.append(problem, instance: path)
        let object = try! JSONReader.read(text.bytes).objectValue!
        precondition(object["instance"]!.stringValue!.utf8.elementsEqual(path.utf8))
        precondition(object["status"] == .integer(Int64(problem.kind.status)))
        precondition((object["extensions"] != nil) == (problem.blockedTrack != nil))
    }
    return 0
}
