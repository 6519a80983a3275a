import TestSupport
import Testing

@testable import ProviderKeys

@Suite struct MaximumAgeTests {
    @Test(arguments: [
        ("max-age=300", 300), ("public, Max-Age=21600, must-revalidate", 21_600), (#"max-age="60""#, 60),
        ("max-age = 7", 7), ("max-age=0", 0), ("no-store", 0), ("max-age=60, no-cache", 0), ("private,max-age=60", 60),
        ("max-age=99999999999999999999", 1 << 31),
    ])
    func directiveIsRead(header: String, seconds: Int64) {
        #expect(MaximumAge.read(header) == .seconds(seconds))
    }

    @Test(arguments: [("100", 200), ("0", 300), ("400", 0), ("x", 300), ("-1", 300)])
    func ageIsSubtracted(age: String, seconds: Int64) {
        #expect(MaximumAge.read("max-age=300", age: age) == .seconds(seconds))
    }

    @Test(arguments: ["", "public", "max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=x", "s-maxage=60"])
    func otherHeaderHasNoAge(header: String) {
        #expect(MaximumAge.read(header) == nil)
    }
}
