//! Pictures that people send, made into small ones.
//!
//! Invariants: nothing of what was sent is kept but the picture itself, so that a file that is a
//! picture and something else besides comes out as a picture; a picture's size is known, and
//! within limits, before any of it is unpacked.

use domain::{Error, ErrorKind};
use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits,
    codecs::png::{CompressionType, FilterType, PngEncoder},
    metadata::Orientation,
};
use std::io::Cursor;

/// The most points that a kept picture has, from side to side.
const SIDE: u32 = 512;

/// The most points that a picture may come with, from side to side and in all. (An instance has
/// 128 MiB, and a point takes four bytes.)
const SIDE_MOST: u32 = 10_000;
const POINTS_MOST: u64 = 16_000_000;

/// As [`POINTS_MOST`], where a decoder may need three times as much room: for all of what a JPEG has
/// in passes or in a scan for each colour, and for a WebP before its colours are put together.
const MUCH_ROOM_MOST: u64 = 6_000_000;

/// The most bytes of memory that the picture may take, and with it what the decoder has besides, if
/// it heeds that.
const MEMORY: u64 = 72 << 20;

/// The picture in `bytes` as a PNG of at most [`SIDE`] points from side to side.
///
/// # Errors
/// Unsupported media type when it is none; invalid when it is broken or too large.
pub(crate) fn shrink(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let format = format_of(bytes)?;
    let (picture, orientation) = decode(bytes, format)?;
    let small = match picture.width().max(picture.height()) <= SIDE {
        true => picture,
        false => picture.thumbnail(SIDE, SIDE),
    };
    let mut small = match small.color().has_alpha() {
        true => DynamicImage::from(small.into_rgba8()),
        false => DynamicImage::from(small.into_rgb8()),
    };
    small.apply_orientation(orientation);
    let mut png = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::Adaptive);
    small.write_with_encoder(encoder).map_err(Error::internal)?;
    Ok(png)
}

fn format_of(bytes: &[u8]) -> Result<ImageFormat, Error> {
    let known = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ];
    match image::guess_format(bytes) {
        Ok(format) if known.contains(&format) => Ok(format),
        _ => {
            let detail = "The file must be a picture: PNG, JPEG, WebP or GIF";
            Err(Error::new(ErrorKind::UnsupportedMediaType, detail))
        }
    }
}

fn decode(bytes: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation), Error> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(SIDE_MOST);
    limits.max_image_height = Some(SIDE_MOST);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let most = match format {
        ImageFormat::Jpeg if is_one_scan(bytes) => POINTS_MOST,
        ImageFormat::Jpeg | ImageFormat::WebP => MUCH_ROOM_MOST,
        _ => POINTS_MOST,
    };
    let has_room = u64::from(width) * u64::from(height) <= most;
    let left = MEMORY.checked_sub(decoder.total_bytes());
    let Some(left) = left.filter(|_| has_room && width.max(height) <= SIDE_MOST) else {
        let message = format!("is a picture of {width} × {height} points, which is too large");
        return Err(Error::invalid_field("file", message));
    };
    // A GIF's first picture is unpacked beside the whole where it has another size.
    limits.max_alloc = Some(left);
    decoder.set_limits(limits).map_err(broken)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    Ok((picture, orientation))
}

/// Whether a JPEG is surely one that is unpacked as it is read: a single frame that is not
/// progressive, whose first scan has all of its colours. Whatever is unusual before that is not.
fn is_one_scan(jpeg: &[u8]) -> bool {
    let mut frame = None;
    let mut rest = jpeg.get(2..).unwrap_or_default();
    while let [0xff, marker, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(segment) = length.checked_sub(2).and_then(|length| after.get(..length)) else {
            return false;
        };
        match (marker, &frame) {
            (0xc0 | 0xc1, None) => match segment.get(5) {
                Some(colours) => frame = Some(*colours),
                None => return false,
            },
            (0xda, Some(colours)) => return segment.first() == Some(colours),
            // Tables, comments, and what applications add.
            (0xc4 | 0xdb | 0xdd | 0xe0..=0xef | 0xfe, _) => {}
            _ => return false,
        }
        rest = after.get(segment.len()..).unwrap_or_default();
    }
    false
}

#[allow(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn broken(error: image::ImageError) -> Error {
    Error::invalid_field("file", "is a picture that cannot be read").caused_by(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use image::{
        GrayImage, RgbaImage,
        codecs::{gif::GifEncoder, jpeg::JpegEncoder},
    };

    /// Segments of a JPEG: marker and content, each with its length.
    fn jpeg(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut jpeg = vec![0xff, 0xd8];
        for (marker, content) in segments {
            let length = u16::try_from(content.len() + 2).unwrap();
            jpeg.extend([0xff, *marker]);
            jpeg.extend(length.to_be_bytes());
            jpeg.extend(*content);
        }
        jpeg
    }

    #[test]
    fn which_jpegs_are_unpacked_as_they_are_read() {
        let frame: &[u8] = &[8, 0, 1, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let (all, one): (&[u8], &[u8]) = (&[3, 0], &[1, 0]);
        let check = |segments: &[(u8, &[u8])], expected: bool| {
            assert_eq!(is_one_scan(&jpeg(segments)), expected, "{segments:x?}");
        };
        check(
            &[
                (0xe0, b"JFIF"),
                (0xdb, b"x"),
                (0xc0, frame),
                (0xc4, b""),
                (0xda, all),
            ],
            true,
        );
        check(&[(0xc1, frame), (0xfe, b"\xff\xc2"), (0xda, all)], true);
        // A scan for each colour, progressive, two frames, none, and what decoders may skip.
        check(&[(0xc0, frame), (0xda, one)], false);
        check(&[(0xc2, frame), (0xda, all)], false);
        check(&[(0xc0, frame), (0xc2, frame), (0xda, all)], false);
        check(&[(0xc0, frame), (0xc0, frame), (0xda, all)], false);
        check(&[(0xda, all)], false);
        check(&[(0x00, b""), (0xc0, frame), (0xda, all)], false);
        check(&[(0xc0, &[8]), (0xda, all)], false);
        check(&[(0xc0, frame)], false);
        let mut cut = jpeg(&[(0xc0, frame), (0xda, all)]);
        cut.truncate(10);
        assert!(!is_one_scan(&cut));
        assert!(!is_one_scan(&[]));
    }

    #[test]
    fn a_jpeg_in_passes_has_fewer_points() {
        let error = |width: u32, marker: u8| {
            let mut jpeg = Vec::new();
            let picture = GrayImage::new(width, 2_000);
            JpegEncoder::new(&mut jpeg).encode_image(&picture).unwrap();
            let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
            jpeg[frame + 1] = marker;
            shrink(&jpeg).err().map(|error| error.detail().to_owned())
        };
        assert_eq!(error(6_000, 0xc0), None);
        let detail = "file: is a picture of 6000 × 2000 points, which is too large";
        assert_eq!(error(6_000, 0xc2).as_deref(), Some(detail));
    }

    #[test]
    fn the_picture_in_a_gif_counts_besides_the_whole() {
        let mut gif = Vec::new();
        let picture = image::Frame::new(RgbaImage::new(2_000, 2_000));
        GifEncoder::new(&mut gif).encode_frame(picture).unwrap();
        let mut check = |side: u16, expected: bool| {
            let side = side.to_le_bytes();
            gif[6..8].copy_from_slice(&side);
            gif[8..10].copy_from_slice(&side);
            assert_eq!(shrink(&gif).is_ok(), expected, "{side:?}");
        };
        check(2_000, true);
        check(3_000, true);
        check(4_000, false);
        // It may also be larger than the whole.
        check(1, true);
    }
}
